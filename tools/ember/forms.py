"""What people write: patterns of questions, and the sentences that they stand for.

A pattern is a text with alternatives `(a|b)`, optional parts `[c]` and words `<get>` that stand for any of a list. `<any name>` and `<any word>`
are names and words that nobody has seen. Patterns stand under a kind, which says what sentences can be made of them:

    do    what somebody wants to do: "free memory"          how do I …, I want to …, command to …
    what  a thing: "the kv cache"                           what is …, what does … mean
    can   something that is allowed: "run two models"       can I …, is it possible to …
    does  something that Hearth does: "work offline"        does Hearth …, will it …
    is    a state of things: "my disk is full"              …, what now?
    err   an error message                                  I get "…", why do I get …
    other a command of another program: "ollama ps"         what is … in hearth, in ollama i would type … how here
    ask, say, wrong                                         as they are; `wrong` holds commands that do not exist

The sentences are in corpus/templates.txt.
"""
import dataclasses
import itertools
import random
import re
from collections.abc import Iterator
from pathlib import Path

# What people put before and after; never for `say`.
BEFORE = ["hey", "hi", "hello", "please", "ok", "so", "and", "hey ember", "quick question", "question", "sorry", "excuse me", "um", "ok so", "hi there",
          "good morning", "one question", "another question", "tell me", "hearth"]
AFTER = ["please", "thanks", "pls", "with hearth", "in hearth", "using hearth", "here", "on this machine", "on my machine", "on my computer", "from the terminal",
         "on the command line", "thank you", "exactly", "again", "now", "on linux", "on my laptop", "with this", "in general", "actually", "then"]
CONSONANTS, VOWELS = "bcdfghjklmnprstvwz", "aeiou"


def unseen_word(random_source: random.Random) -> str:
    """A word of syllables, or of letters at random; now and then two."""
    count = random_source.choice((1, 2, 2, 2, 3))
    if random_source.random() < 0.2:
        return "".join(random_source.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(2 + 2 * count))
    syllables = (random_source.choice(CONSONANTS) + random_source.choice(VOWELS) + random_source.choice(("", "", "n", "r", "s", "t", "ll"))
                 for _ in range(count))
    return "".join(syllables)


def unseen_name(random_source: random.Random) -> str:
    """As models are named: "kalo-7b", "torim2:3b"."""
    name = unseen_word(random_source)
    tail = random_source.choice(("", "", "-7b", ":1b", ":3b", "2", "3:8b", "-4b", ":latest", ":13b", "-q4", "-14b-instruct"))
    return name + tail


UNSEEN = {"any word": unseen_word, "any name": unseen_name}


def split_top(text: str, mark: str = "|") -> list[str]:
    """At marks that stand in no bracket."""
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        if character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == mark and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    if depth != 0:
        raise ValueError(f"brackets do not match: {text[:80]}")
    return [part.strip() for part in [*parts, text[start:]]]


FOLDER = Path(__file__).resolve().parent / "corpus"
NO_VERBS = {"not", "never", "always", "only", "just"}  # "not keep it in memory" has no form with -ing
DOUBLED = re.compile(r"[^aeiou]*[aeiou][bdgmnprt]|.*(?:get|set|put|cut|stop|run|quit|begin|plan|drop)")


def read_templates(path: Path = FOLDER / "templates.txt") -> dict[str, list[str]]:
    templates: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        kind, found, sentences = line.partition(": ")
        if found and not line.startswith("#"):
            templates.setdefault(kind, []).extend(split_top(sentences))
    return templates


def gerund(text: str) -> str:
    """"free memory" becomes "freeing memory"; what has no such form stays as it is."""
    verb, blank, rest = text.partition(" ")
    if not verb.isalpha() or verb in NO_VERBS:
        return text
    if len(verb) > 2 and verb.endswith("e") and not verb.endswith(("ee", "ye", "oe", "ie")):
        verb = verb[:-1]
    elif DOUBLED.fullmatch(verb):
        verb += verb[-1]
    return f"{verb}ing{blank}{rest}"


def put(template: str, text: str) -> str:
    """The text in a sentence of its kind."""
    return template.replace("{ing}", gerund(text)).replace("{}", text)


TEMPLATES = read_templates()
KINDS = list(TEMPLATES)


@dataclasses.dataclass
class Choice:
    """One of several sequences of words and choices."""

    options: list[list]

    def draw(self, random_source: random.Random) -> str:
        return join(part if isinstance(part, str) else part.draw(random_source) for part in random_source.choice(self.options))

    def count(self) -> int:
        return sum(product(part.count() for part in option if not isinstance(part, str)) for option in self.options)

    def all(self) -> Iterator[str]:
        for option in self.options:
            parts = [[part] if isinstance(part, str) else list(part.all()) for part in option]
            for words in itertools.product(*parts):
                yield join(words)


class Unseen:
    """`<any word>`: never the same."""

    def __init__(self, name: str):
        self.make = UNSEEN[name]

    def draw(self, random_source: random.Random) -> str:
        return self.make(random_source)

    def count(self) -> int:
        return 1

    def all(self) -> Iterator[str]:
        yield self.make(random.Random(7))


def join(parts) -> str:
    return re.sub(r" +", " ", "".join(parts)).strip(" ")


def product(numbers) -> int:
    result = 1
    for number in numbers:
        result *= number
    return result


def parse_pattern(text: str, words: dict[str, list[str]]) -> Choice:
    return Choice([_parse_sequence(option, words) for option in split_top(text)])


def _parse_sequence(text: str, words: dict[str, list[str]]) -> list:
    parts: list = []
    position = 0
    while position < len(text):
        character = text[position]
        if character in "([":
            end = _closing(text, position)
            inner = parse_pattern(text[position + 1 : end], words)
            if character == "[":
                inner.options.append([""])
            parts.append(inner)
            position = end + 1
        elif character == "<" and (end := text.find(">", position)) > 0 and (name := text[position + 1 : end]) in words.keys() | UNSEEN.keys():
            parts.append(Unseen(name) if name in UNSEEN else parse_pattern("|".join(words[name]), words))
            position = end + 1
        else:
            end = min((at for mark in "([<" if (at := text.find(mark, position + 1)) > 0), default=len(text))
            parts.append(text[position:end])
            position = end
    return parts


def _closing(text: str, opening: int) -> int:
    depth = 0
    for position in range(opening, len(text)):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(text[position], 0)
        if depth == 0:
            return position
    raise ValueError(f"brackets do not match: {text[:80]}")
