"""The corpus: answers, and the patterns of questions that each belongs to. Read from corpus/*.txt.

    = the answer, one line                        begins an entry
    do: pattern | pattern                         questions, by kind (see forms.py); may be repeated
    then: pattern | pattern => answer             what may be asked after this answer, and the answer to that; `+ ` and the beginning of an
                                                  answer stands for the whole of it
    weight: 60                                    how often it is drawn; default 1
    + the beginning of an answer                  goes on with an entry of another file

Files that hold `<word> = option | option` lines only define words. Questions are written as the model sees them: small letters, no marks.
"""
import dataclasses
import fnmatch
import hashlib
from pathlib import Path

import chat
from forms import FOLDER, KINDS, Choice, parse_pattern, split_top

CONTINUED = (  # go on with entries of other files: read last
    "phrasings", "scenarios", "stories", "voices", "troubles", "letters*", "people_*", "asked_*", "near_pairs", "refusals", "turns", "more_turns",
)
NO_ENTRIES = ("surroundings.txt", "synonyms.txt", "templates.txt")
HELD_OUT_PERCENT = 6
ENOUGH_PATTERNS = 5  # an entry with fewer keeps them all for training


@dataclasses.dataclass
class Pattern:
    kind: str
    text: str
    choice: Choice
    held_out: bool = False  # for validation


@dataclasses.dataclass
class FollowUp:
    patterns: list[Choice]
    answer: str


@dataclasses.dataclass
class Entry:
    answer: str
    place: str  # "pull.txt:12"
    patterns: list[Pattern] = dataclasses.field(default_factory=list)
    follow_ups: list[FollowUp] = dataclasses.field(default_factory=list)
    weight: float = 1.0

    @property
    def off_topic(self) -> bool:
        return self.place.startswith("offtopic")


@dataclasses.dataclass
class Corpus:
    entries: list[Entry]
    after_command: list[FollowUp]  # after any answer that names a command; COMMAND stands for it
    surroundings: dict[str, Choice]  # "before", "after": sentences that do not change a question; "noise": words that do not
    synonyms: dict[str, list[str]]  # words that may stand for a word; "by-itself" is two words


class Mistake(Exception):
    """A line of the corpus that cannot be read; the message names file and line."""


def continues(path: Path) -> bool:
    return any(fnmatch.fnmatch(path.stem, name) for name in CONTINUED)


def read_words(folder: Path) -> dict[str, list[str]]:
    words: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*words.txt")):
        for number, line in numbered_lines(path):
            name, found, options = line.partition(" = ")
            if not (found and name.startswith("<") and name.endswith(">")):
                raise Mistake(f"{path.name}:{number}: <name> = option | option")
            words[name[1:-1]] = split_top(options)
    return words


def numbered_lines(path: Path) -> list[tuple[int, str]]:
    lines = path.read_text().splitlines()
    return [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]


def read_follow_up(text: str, words: dict) -> FollowUp:
    questions, found, answer = text.partition(" => ")
    if not found:
        raise ValueError("a follow-up is: pattern | pattern => answer")
    return FollowUp([parse_pattern(chat.plain(pattern), words) for pattern in split_top(questions)], answer.strip())


def read_surroundings(path: Path, words: dict) -> dict[str, Choice]:
    lines = (line.partition(": ") for _, line in numbered_lines(path))
    return {key: parse_pattern(patterns, words) for key, _, patterns in lines}


def read_synonyms(path: Path) -> dict[str, list[str]]:
    synonyms: dict[str, list[str]] = {}
    for _, line in numbered_lines(path):
        group = line.split()
        for word in group:
            synonyms[word] = sorted({*synonyms.get(word, []), *group} - {word})
    return synonyms


def read_corpus(folder: Path = FOLDER) -> Corpus:
    words = read_words(folder)
    corpus = Corpus([], [], read_surroundings(folder / "surroundings.txt", words), read_synonyms(folder / "synonyms.txt"))
    for path in sorted(folder.glob("*.txt"), key=lambda path: (continues(path), path.name)):
        if path.name.endswith("words.txt") or path.name in NO_ENTRIES:
            continue
        entry = None
        for number, line in numbered_lines(path):
            place = f"{path.name}:{number}"
            try:
                if line.startswith("= "):
                    entry = Entry(line[2:].strip(), place)
                    corpus.entries.append(entry)
                elif line.startswith("+ "):
                    entry = begun_entry(line[2:].strip(), corpus)
                else:
                    read_line(line, entry, corpus, words)
            except (ValueError, KeyError) as error:
                raise Mistake(f"{place}: {error}") from error
    for entry in corpus.entries:
        hold_out(entry)
    return corpus


def begun_entry(beginning: str, corpus: Corpus) -> Entry:
    found = [entry for entry in corpus.entries if entry.answer.startswith(beginning)]
    if len(found) != 1:
        raise ValueError(f"{len(found)} answers begin with \"{beginning}\"")
    return found[0]


def read_line(line: str, entry: Entry | None, corpus: Corpus, words: dict) -> None:
    key, _, rest = line.partition(":")
    if key == "then":
        after = read_follow_up(rest.strip(), words)
        if after.answer.startswith("+ "):
            after.answer = begun_entry(after.answer[2:], corpus).answer
        (corpus.after_command if entry is None else entry.follow_ups).append(after)
    elif entry is None:
        raise ValueError("a question before the first answer")
    elif key == "weight":
        entry.weight = float(rest)
    elif key in KINDS:
        entry.patterns += [Pattern(key, text, parse_pattern(text, words)) for text in split_top(rest)]
    else:
        raise ValueError(f"unknown kind \"{key}\"")


def hold_out(entry: Entry) -> None:
    """Marks a few patterns by their own hash, so that the choice stays when others come and go."""
    if len(entry.patterns) < ENOUGH_PATTERNS:
        return
    for pattern in entry.patterns:
        number = int.from_bytes(hashlib.sha256(f"{pattern.kind}/{pattern.text}".encode()).digest()[:4], "big")
        pattern.held_out = number % 100 < HELD_OUT_PERCENT
    if all(pattern.held_out for pattern in entry.patterns):
        entry.patterns[0].held_out = False
