#!/usr/bin/python3
"""Which of several checkpoints is to ship: how many questions of choosing.json each answers with the answer that is meant.

    choose.py run/a/checkpoint.pt run/b/checkpoint.pt

None of the questions is in the corpus word for word, and whoever adds to it reads neither these nor the held-back ones (tests/ember). They are nine times as many,
so that they tell trainings apart; but an answer that would do as well counts as wrong, and their writers knew the answers or the documents. Prints one JSON line for each checkpoint.
"""
import argparse
import json
import sys
from pathlib import Path

import chat
import failures
from model import trained
from tokenizer import Tokenizer

QUESTIONS = Path(__file__).resolve().with_name("choosing.json")
ENOUGH_TOKENS = 12  # no two answers have so long a beginning in common


def judged(path: Path, rows: list[dict], tokenizer: Tokenizer) -> dict:
    given = failures.answers(trained(path, len(tokenizer.tokens)), tokenizer, [chat.plain(row["question"]) for row in rows], ENOUGH_TOKENS)
    report = {"version": 1, "checkpoint": str(path)}
    for writer in sorted({row["writer"] for row in rows}):
        right = [bool(said) and row["answer"].startswith(said) for row, said in zip(rows, given) if row["writer"] == writer]
        report[writer] = {"questions": len(right), "right": sum(right)}
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", type=Path, nargs="+")
    arguments = parser.parse_args()
    rows, tokenizer = json.loads(QUESTIONS.read_text()), Tokenizer.load()
    for path in arguments.checkpoints:
        print(json.dumps(judged(path, rows, tokenizer)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
