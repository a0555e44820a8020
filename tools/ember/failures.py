#!/usr/bin/python3
"""Asks a checkpoint the held-out phrasings of the corpus and prints those that it answers with another answer than theirs.

    failures.py run/checkpoint.pt

For whoever adds to the corpus: the words that are missing in the patterns stand in these questions. Train without `--everything` before.
"""
import argparse
import collections
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "2")

import torch

import chat
from dialogues import validation
from entries import read_corpus
from model import Ember, trained
from tokenizer import Tokenizer

LONGEST = 90


@torch.no_grad()
def answers(model: Ember, tokenizer: Tokenizer, questions: list[str], longest: int = LONGEST) -> list[str]:
    """The likeliest token again and again, `longest` of them at most; questions of one length together, so that nothing is padded."""
    user, ember, end = (tokenizer.special(token) for token in (chat.USER, chat.EMBER, chat.END))
    by_length: dict[int, list[tuple[int, list[int]]]] = collections.defaultdict(list)
    for place, question in enumerate(questions):
        tokens = [user, *tokenizer.encode(" " + question), ember]
        by_length[len(tokens)].append((place, tokens))
    found = [""] * len(questions)
    for rows in by_length.values():
        tokens = torch.tensor([row for _, row in rows])
        start = tokens.shape[1]
        for _ in range(longest):
            length = tokens.shape[1]
            last = torch.arange(len(rows)) * length + length - 1
            tokens = torch.cat([tokens, model(tokens, last).argmax(-1, keepdim=True)], 1)
            if (tokens[:, start:] == end).any(1).all():
                break
        for (place, _), row in zip(rows, tokens[:, start:].tolist()):
            found[place] = tokenizer.decode(row[: row.index(end)] if end in row else row)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    arguments = parser.parse_args()
    tokenizer = Tokenizer.load()
    model = trained(arguments.checkpoint, len(tokenizer.tokens))
    corpus = read_corpus()
    known = {answer for entry in corpus.entries for answer in (entry.answer, *(after.answer for after in entry.follow_ups))}
    asked = [dialogue[0] for dialogue in validation(corpus)]
    given = answers(model, tokenizer, [question for question, _ in asked])
    wrong = [(question, answer, said) for (question, answer), said in zip(asked, given) if said != answer]
    for question, answer, said in wrong:
        print(f"{question}\n    should: {answer}\n    said{'' if said in known else ' (no answer of the corpus)'}: {said}")
    mixed = sum(said not in known for _, _, said in wrong)
    print(f"{len(asked) - len(wrong)} of {len(asked)} right; {mixed} of the wrong ones are no answer of the corpus")
    return 0


if __name__ == "__main__":
    sys.exit(main())
