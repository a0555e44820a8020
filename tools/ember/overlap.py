#!/usr/bin/env python3
"""How much of each held-back question is in the corpus, by 5-grams of words; and how to keep it low.

    overlap.py --blocked blocked.json tests/ember/QUESTIONS.json ...

Prints one JSON object: how many questions share more of their 5-grams with the corpus than the limit, and how many would when the 5-grams that it
writes are never drawn: of each question all but the limit's share of the commonest. `train.py --blocked FILE` draws none of them.
"""
import argparse
import collections
import hashlib
import itertools
import json
import random
import sys
from pathlib import Path

import chat
from dialogues import Sampler
from entries import FOLDER, Corpus, read_corpus
from forms import TEMPLATES, put

WORDS = 5
LIMIT = 0.6
ENOUGH_FORMS = 3000  # of one pattern; more are sampled
FORMS_IN_ALL_SENTENCES = 20  # the others stand in one each
DRAWN = 100_000

Gram = tuple[str, ...]


def grams(text: str) -> list[Gram]:
    words = chat.plain(text).split()
    return [tuple(words[at : at + WORDS]) for at in range(len(words) - WORDS + 1)]


def corpus_questions(corpus: Corpus):
    """Every pattern in every sentence of its kind, and many as they are drawn, with what stands around them."""
    for entry in corpus.entries:
        for pattern in entry.patterns:
            templates = sorted(set(TEMPLATES[pattern.kind]))
            for number, form in enumerate(itertools.islice(pattern.choice.all(), ENOUGH_FORMS)):
                chosen = templates if number < FORMS_IN_ALL_SENTENCES else [templates[number % len(templates)]]
                yield from (put(template, form) for template in chosen)
        for after in entry.follow_ups:
            for choice in after.patterns:
                yield from choice.all()
    sampler, source = Sampler(corpus, everything=True), random.Random("overlap")
    for _ in range(DRAWN):
        yield from (question for question, _ in sampler.draw(source))


def counted_overlap(questions: list[str], corpus: Corpus) -> collections.Counter:
    """How often each 5-gram of the questions is in the corpus."""
    wanted = {gram for question in questions for gram in grams(question)}
    found: collections.Counter = collections.Counter()
    for question in corpus_questions(corpus):
        found.update(gram for gram in grams(question) if gram in wanted)
    return found


def share(question: str, found) -> float:
    own = set(grams(question))
    return sum(1 for gram in own if gram in found) / len(own) if own else 0.0


def blocked_grams(questions: list[str], corpus: Corpus) -> set[Gram]:
    """5-grams that must not be drawn: of each question all but those that the corpus has most often, up to LIMIT of them."""
    found = counted_overlap(questions, corpus)
    blocked: set[Gram] = set()
    for question in questions:
        own = set(grams(question))
        known = sorted((gram for gram in own if gram in found), key=lambda gram: (-found[gram], gram))
        blocked |= own - set(known[: int(LIMIT * len(own))])
    return blocked


def digest() -> str:
    """Of all that is in the corpus: 5-grams are blocked for one corpus."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(FOLDER.glob("*.txt")))).hexdigest()


def read_blocked(path: Path) -> set[Gram]:
    state = json.loads(path.read_text())
    if state["corpus"] != digest():
        raise SystemExit(f"{path} was made for another corpus: run overlap.py --blocked again")
    return {tuple(gram) for gram in state["grams"]}


def read_questions(paths: list[Path]) -> list[str]:
    return [row["question"] for path in paths for row in json.loads(path.read_text())]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("questions", type=Path, nargs="+")
    parser.add_argument("--blocked", type=Path, help="where to write the 5-grams that are not to be drawn")
    parser.add_argument("--shares", action="store_true", help="also print every question with its share; whoever works on the corpus must not")
    arguments = parser.parse_args()
    questions = read_questions(arguments.questions)
    corpus = read_corpus()
    found = counted_overlap(questions, corpus)
    shares = sorted(((share(question, found), question) for question in questions), reverse=True)
    blocked = blocked_grams(questions, corpus)
    report = {"version": 1, "limit": LIMIT, "questions": len(shares), "above_limit": sum(1 for value, _ in shares if value > LIMIT),
              "blocked_grams": len(blocked), "above_limit_when_blocked": sum(1 for _, question in shares if share(question, found.keys() - blocked) > LIMIT)}
    if arguments.blocked:
        arguments.blocked.write_text(json.dumps({"corpus": digest(), "grams": sorted(blocked)}))
    if arguments.shares:
        report["shares"] = [{"share": round(value, 3), "question": question} for value, question in shares]
    print(json.dumps(report, ensure_ascii=False, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
