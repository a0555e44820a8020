"""Conversations drawn from the corpus: single questions, follow-ups, changes of subject, with the slips of real typing."""
import itertools
import math
import random
import re
from collections.abc import Callable

import chat
from entries import Corpus, Entry, FollowUp, Pattern
from forms import AFTER, BEFORE, TEMPLATES, Choice, put

Dialogue = list[tuple[str, str]]  # (question, answer), one to two turns

FOLLOW_UP_SHARE, OTHER_SUBJECT_SHARE = 0.10, 0.14
TYPO_SHARE, BEFORE_SHARE, AFTER_SHARE, DROPPED_WORD_SHARE, LOST_WORD_SHARE = 0.20, 0.08, 0.08, 0.08, 0.14
SURROUNDING_SHARE, SYNONYM_SHARE, STATEMENT_SHARE, KEYWORD_SHARE, NOISE_SHARE = 0.16, 0.18, 0.15, 0.06, 0.15
QUESTION_WORDS = {"how", "what", "whats", "can", "which", "does", "are", "you", "want", "need", "there", "would", "should", "in", "with", "hearth"}
SMALL_WORDS = {"a", "an", "the", "my", "i", "do", "is", "to", "of", "it", "please", "me", "for", "on"}
NEIGHBOURS = {row[i]: row[max(0, i - 1) : i + 2].replace(row[i], "") for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm") for i in range(len(row))}
PATIENCE = 200
COMMAND = re.compile(r"`hearth ([a-z]+)")


def misspelt(word: str, source: random.Random) -> str:
    """One slip: a letter left out, doubled, swapped with the next, or a neighbour on the keyboard."""
    at = source.randrange(1, len(word) - 1)
    kind = source.randrange(4)
    if kind == 0:
        return word[:at] + word[at + 1 :]
    if kind == 1:
        return word[:at] + word[at] + word[at:]
    if kind == 2:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + source.choice(NEIGHBOURS[word[at]]) + word[at + 1 :]


def with_slips(question: str, synonyms: dict[str, list[str]], source: random.Random) -> str:
    """Another word of the same meaning here and there, a small word or any word left out, a typing error."""
    words = []
    for word in question.split(" "):
        others = synonyms.get(word)
        words += source.choice(others).split("-") if others and source.random() < SYNONYM_SHARE else [word]
    if len(words) > 4 and source.random() < KEYWORD_SHARE:
        key_words = [word for word in words if word not in SMALL_WORDS | QUESTION_WORDS]
        words = key_words if len(key_words) > 1 else words
    elif len(words) > 3 and source.random() < DROPPED_WORD_SHARE:
        small = [i for i, word in enumerate(words) if word in SMALL_WORDS]
        if small:
            del words[source.choice(small)]
    if len(words) > 4 and source.random() < LOST_WORD_SHARE:
        del words[source.randrange(len(words))]
    if source.random() < TYPO_SHARE:
        long = [i for i, word in enumerate(words) if len(word) >= 4 and word.isascii() and word.isalpha() and word != "hearth"]
        for i in source.sample(long, min(len(long), source.choice((1, 1, 1, 2)))):
            words[i] = misspelt(words[i], source)
    return " ".join(words)


def sentence(pattern: Pattern, source: random.Random) -> str:
    """The pattern in one of the sentences of its kind."""
    return put(source.choice(TEMPLATES[pattern.kind]), pattern.choice.draw(source))


def with_noise(text: str, word: str, source: random.Random) -> str:
    """With a word somewhere that does not matter, so that one unknown word does not make a question foreign."""
    words = text.split(" ")
    words.insert(source.randrange(1, len(words)), word)
    return " ".join(words)


def surrounded(text: str, kind: str, surroundings: dict[str, Choice], source: random.Random) -> str:
    """With the words and sentences that people put around a question."""
    if kind == "say":
        return text
    if source.random() < SURROUNDING_SHARE:
        text = f"{surroundings['before'].draw(source)} {text}"
    elif source.random() < BEFORE_SHARE:
        text = f"{source.choice(BEFORE)} {text}"
    if kind != "err" and source.random() < SURROUNDING_SHARE:
        return f"{text} {surroundings['after'].draw(source)}"
    if kind != "err" and source.random() < AFTER_SHARE:
        return f"{text} {source.choice(AFTER)}"
    return text


class Blocked(Exception):
    """No question of this entry may be drawn, it seems: another one."""


def variety(pattern: Pattern) -> float:
    """How often a pattern is drawn among those of its entry: more where it stands for more sentences."""
    return 1 + math.log(pattern.choice.count() * len(set(TEMPLATES[pattern.kind])))


class Sampler:
    """Draws dialogues. The same seed, the same dialogues."""

    def __init__(self, corpus: Corpus, everything: bool = False, is_blocked: Callable[[str], bool] = lambda question: False):
        """@param everything  held-out patterns, too: for the model that ships
        @param is_blocked  of a question: must it never be drawn?"""
        self.corpus = corpus
        self.is_blocked = is_blocked
        self.patterns, self.states = {}, {}
        for entry in corpus.entries:
            used = [pattern for pattern in entry.patterns if everything or not pattern.held_out]
            self.patterns[id(entry)] = used, list(itertools.accumulate(variety(pattern) for pattern in used))
            self.states[id(entry)] = [pattern for pattern in used if pattern.kind == "is"]
        # An entry with more patterns is drawn more often, but not in proportion: rare facts must be learned, too.
        weights = [entry.weight * (3 + len(self.patterns[id(entry)][0])) ** 0.7 for entry in corpus.entries]
        self.weights = list(itertools.accumulate(weights))
        self.on_topic = list(itertools.accumulate(0 if entry.off_topic else weight for entry, weight in zip(corpus.entries, weights)))

    def entry(self, source: random.Random) -> Entry:
        return source.choices(self.corpus.entries, cum_weights=self.weights)[0]

    def question(self, entry: Entry, source: random.Random) -> str:
        return self._unblocked(lambda: self._any_question(entry, source))

    def _unblocked(self, draw: Callable[[], str]) -> str:
        for _ in range(PATIENCE):
            if not self.is_blocked(question := draw()):
                return question
        raise Blocked

    def _any_question(self, entry: Entry, source: random.Random) -> str:
        patterns, weights = self.patterns[id(entry)]
        pattern, states = source.choices(patterns, cum_weights=weights)[0], self.states[id(entry)]
        text = sentence(pattern, source)
        if pattern.kind in ("do", "can", "ask") and states and source.random() < STATEMENT_SHARE:
            text = f"{source.choice(states).choice.draw(source)} {text}"  # "my disk is full how do I …"
        text = surrounded(text, pattern.kind, self.corpus.surroundings, source)
        if pattern.kind != "say" and text.count(" ") >= 3 and source.random() < NOISE_SHARE:
            text = with_noise(text, self.corpus.surroundings["noise"].draw(source), source)
        return with_slips(chat.plain(text), self.corpus.synonyms, source)

    def turn(self, source: random.Random) -> tuple[str, str]:
        entry = self.entry(source)
        return self.question(entry, source), entry.answer

    def draw(self, source: random.Random) -> Dialogue:
        while True:
            try:
                return self._draw(source)
            except Blocked:
                pass

    def _draw(self, source: random.Random) -> Dialogue:
        roll = source.random()
        if roll < FOLLOW_UP_SHARE:
            return self.follow_up(source)
        if roll < FOLLOW_UP_SHARE + OTHER_SUBJECT_SHARE:
            return [self.turn(source), self.turn(source)]
        return [self.turn(source)]

    def follow_up(self, source: random.Random) -> Dialogue:
        entry = source.choices(self.corpus.entries, cum_weights=self.on_topic)[0]
        choices = list(entry.follow_ups)
        command = COMMAND.search(entry.answer)
        if command and (not choices or source.random() < 0.25):
            general = source.choice(self.corpus.after_command)
            choices = [FollowUp(general.patterns, general.answer.replace("COMMAND", command[1]))]
        first = (self.question(entry, source), entry.answer)
        if not choices:
            return [first, self.turn(source)]
        after = source.choice(choices)
        second = self._unblocked(lambda: with_slips(chat.plain(source.choice(after.patterns).draw(source)), self.corpus.synonyms, source))
        return [first, (second, after.answer)]


def validation(corpus: Corpus) -> list[Dialogue]:
    """One question of every held-out pattern, without slips; always the same."""
    source = random.Random("validation")
    return [[(chat.plain(sentence(pattern, source)), entry.answer)] for entry in corpus.entries for pattern in entry.patterns if pattern.held_out]
