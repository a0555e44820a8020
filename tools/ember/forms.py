"""What people write: patterns of questions, and the sentences that they stand for.

A pattern is a text with alternatives `(a|b)`, optional parts `[c]` and words `<get>` that stand for any of a list. `<any name>` and `<any word>`
are names and words that nobody has seen. Patterns stand under a kind, which says what sentences can be made of them:

    do    what somebody wants to do: "free memory"          how do I …, I want to …, command to …
    what  a thing: "the kv cache"                           what is …, what does … mean
    can   something that is allowed: "run two models"       can I …, is it possible to …
    does  something that Hearth does: "work offline"        does Hearth …, will it …
    is    a state of things: "my disk is full"              …, what now?
    err   an error message                                  I get "…", why do I get …
    ask, say, wrong                                         as they are; `wrong` holds commands that do not exist
"""
import dataclasses
import itertools
import random
import re
from collections.abc import Iterator

TEMPLATES = {
    "do": [
        "how do i {}", "how do i {}", "how can i {}", "how to {}", "how would i {}", "how do you {}", "how does one {}", "how could i {}", "{}",
        "i want to {}", "i need to {}", "i would like to {}", "id like to {}", "can i {}", "can you {}", "is it possible to {}",
        "is there a way to {}", "is there a command to {}", "what is the command to {}", "whats the command to {}", "which command do i use to {}",
        "command to {}", "what command lets me {}", "what do i type to {}", "what do i have to type to {}", "tell me how to {}",
        "show me how to {}", "explain how to {}", "help me {}", "please {}", "any way to {}", "what is the best way to {}",
        "whats the easiest way to {}", "i am trying to {}", "im trying to {}", "i cant figure out how to {}", "how should i {}", "what should i do to {}",
        "where do i {}", "steps to {}", "can hearth {}", "can hearth help me {}", "lets {}", "what is needed to {}", "i wonder how to {}",
        "which hearth command would {}", "could you tell me how to {}", "i dont know how to {}", "how exactly do i {}", "how do we {}",
        "i have to {}", "my goal is to {}", "what must i enter to {}", "quickest way to {}",
    ],
    "what": [
        "what is {}", "what is {}", "whats {}", "what are {}", "what does {} do", "what does {} mean", "what is meant by {}", "what is {} for",
        "explain {}", "please explain {}", "{}", "{} meaning", "tell me about {}", "tell me more about {}", "meaning of {}", "describe {}", "define {}",
        "can you explain {}", "what do you know about {}", "i dont understand {}", "what do i use {} for", "how does {} work", "what exactly is {}",
        "what about {}", "when do i need {}", "why is there {}", "why do i need {}", "purpose of {}", "what is the meaning of {}", "give me details about {}",
        "i read about {} what is that", "what would {} mean", "how do i use {}", "information about {}",
    ],
    "can": [
        "can i {}", "can i {}", "could i {}", "may i {}", "is it possible to {}", "am i able to {}", "does hearth let me {}", "am i allowed to {}",
        "is it ok to {}", "would i be able to {}", "does it let me {}", "i want to {} is that possible", "{} possible", "can you {}", "can one {}",
    ],
    "does": [
        "does hearth {}", "does it {}", "can hearth {}", "can it {}", "will hearth {}", "will it {}", "is hearth able to {}", "hearth can {} right",
        "does hearth really {}", "would it {}", "is it able to {}",
    ],
    "is": [
        "{}", "{}", "{} what now", "{} what can i do", "{} what should i do", "{} how do i fix that", "{} why", "help {}", "{} any idea", "problem {}",
        "why is it that {}", "{} what do i do", "what do i do when {}", "what can i do if {}", "what if {}", "{} how do i solve this", "{} please help",
        "i have a problem {}", "it seems that {}", "what to do when {}", "suddenly {}", "{} what is wrong", "{} whats the reason",
    ],
    "err": [
        "{}", "{}", "i get {}", "it says {}", "error {}", "hearth says {}", "i get the error {}", "what does {} mean", "why do i get {}",
        "why does it say {}", "{} what now", "how do i fix {}", "{} what should i do", "got {}", "getting {}", "there is an error {}",
        "the message is {}", "what is {}", "i see {}", "hearth run says {}", "pull fails with {}", "it fails with {}", "it ends with {}", "help {}",
        "what can i do about {}", "i got this error {}", "the error message says {}", "what is the reason for {}", "error message {} what does it mean",
    ],
    "ask": ["{}"],
    "say": ["{}"],
    "wrong": ["{}", "{}", "{} does not work", "why does {} not work", "what about {}", "is there {}", "{} says it is not a command"],
}
KINDS = list(TEMPLATES)
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
