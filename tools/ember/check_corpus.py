#!/usr/bin/env python3
"""Checks that the corpus says what is so. Prints each mistake with its place; exits with 1 when there is one.

    check_corpus.py build/dev/bin

- Commands and options that an answer names exist: asked of `hearth help` and `hearthd --help`.
- Questions name no option that does not exist, but for error messages and what is under `wrong:` or `other:`.
- Variables, settings, API paths, documents and catalogue names are found in the sources.
- No question belongs to two answers.
A command that is new and that the corpus does not know is no mistake.
"""
import argparse
import itertools
import json
import re
import sys
from pathlib import Path

import chat
from cli_facts import Facts, inventions, read_facts
from entries import Corpus, Entry, read_corpus

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("base", "process", "protocol", "registry", "runtime", "plugins", "daemon", "cli", "installer")
SOURCES = ("*.cpp", "*.hpp", "*.h", "*.json", "quickstart", "setup")
NAMED = [
    re.compile(r"\bH(?:EARTH|F)_[A-Z_]+\b"),
    re.compile(r"\b(?:memory|runtime|registry|server)\.[a-z_]+\b"),
    re.compile(r"(?<![\w/.])/(?:api|v1|hearth/v1)/[a-z/_]+[a-z]"),
    re.compile(r"\b(?:api|infer)\.sock\b"),
]
DOCUMENT = re.compile(r"\b(?:docs/)?[A-Z_]+\.md\b|\btools/[a-z_]+|(?<!\w)\./(?:installer|tests)/[a-z]+")
CATALOGUE_NAME = re.compile(r"`(?:hearth (?:pull|run) )?([a-z][a-z0-9.-]*:[0-9.]+[bm])\b")
ENOUGH_FORMS = 400  # of one pattern, to look for questions that two answers share


def answers_of(entry: Entry) -> list[str]:
    return [entry.answer, *(after.answer for after in entry.follow_ups)]


def source_text() -> str:
    files = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    for room in ROOMS:
        for pattern in SOURCES:
            files += (ROOT / room).rglob(pattern)
    return "\n".join(path.read_text(errors="replace") for path in files)


def wrong_commands(corpus: Corpus, facts: Facts) -> list[str]:
    mistakes = []
    for entry in corpus.entries:
        for answer in answers_of(entry):
            mistakes += [f"{entry.place}: the answer names {name}, which does not exist" for name in inventions(answer, facts)]
        for pattern in entry.patterns:
            if pattern.kind in ("wrong", "err", "other") or entry.off_topic:
                continue
            options = [name for name in inventions(pattern.text, facts) if name.startswith("--")]
            mistakes += [f"{entry.place}: the question \"{pattern.text}\" names {name}, which does not exist" for name in options]
    for after in corpus.after_command:
        mistakes += [f"followups.txt: {name} does not exist" for name in inventions(after.answer.replace("COMMAND", "pull"), facts)]
    return mistakes


def wrong_names(corpus: Corpus) -> list[str]:
    sources = source_text()
    catalogue = {model["name"] for model in json.loads((ROOT / "registry/catalogue/models.json").read_text())}
    mistakes = []
    for entry in corpus.entries:
        for answer in answers_of(entry):
            named = [name for expression in NAMED for name in expression.findall(answer)]
            absent = [name for name in named if name not in sources and name.rpartition(".")[2] not in sources]
            absent += [name for name in DOCUMENT.findall(answer) if not ((ROOT / name).exists() or (ROOT / "docs" / name).exists())]
            absent += [name for name in CATALOGUE_NAME.findall(answer) if name not in catalogue]
            mistakes += [f"{entry.place}: the answer names {name}, which is nowhere else" for name in absent]
    return mistakes


def shared_questions(corpus: Corpus) -> list[str]:
    first: dict[str, Entry] = {}
    mistakes = []
    for entry in corpus.entries:
        for pattern in entry.patterns:
            for form in itertools.islice(pattern.choice.all(), ENOUGH_FORMS):
                question = chat.plain(form)
                other = first.setdefault(question, entry)
                if other.answer != entry.answer and not (mistakes and mistakes[-1].startswith(f"{entry.place}: ")):
                    mistakes.append(f"{entry.place}: \"{question}\" is also asked at {other.place}")
    return mistakes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=Path, help="folder of hearth and hearthd")
    arguments = parser.parse_args()
    corpus = read_corpus()
    mistakes = wrong_commands(corpus, read_facts(arguments.programs)) + wrong_names(corpus) + shared_questions(corpus)
    for mistake in mistakes:
        print(mistake)
    answers = {answer for entry in corpus.entries for answer in answers_of(entry)}
    forms = sum(pattern.choice.count() for entry in corpus.entries if not entry.off_topic for pattern in entry.patterns)
    print(f"{len(answers)} answers, {sum(len(entry.patterns) for entry in corpus.entries)} patterns, {forms} questions before they are put into sentences;"
          f" {len(mistakes)} mistakes")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
