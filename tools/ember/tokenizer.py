#!/usr/bin/env python3
"""Ember's byte-pair vocabulary, in the form that llama.cpp calls gpt2 with the pre-tokenizer "gpt-2".

Text is cut into words as GPT-2 does it, the bytes of a word are joined by the merges in their order. All 256 bytes are tokens, so any text works.

    tokenizer.py vocabulary.json      trains on the corpus and writes the merges; some seconds
"""
import argparse
import collections
import functools
import json
import random
import sys
import unicodedata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "make_model"))

import chat
from dialogues import Sampler
from entries import read_corpus
from vocabulary import byte_symbols  # of make_model: GPT-2's printable characters

LEFT_OUT = 0.3  # merges of a word that is to be cut into smaller pieces
SIZE = 2048
VOCABULARY = Path(__file__).resolve().parent / "vocabulary.json"
DRAWN_DIALOGUES = 60_000
ANSWER_WEIGHT = 40  # times that each answer counts among them
CONTRACTIONS = ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d")


@functools.cache
def kind_of(character: str) -> str:
    if character.isspace():
        return "space"
    return {"L": "letter", "N": "number"}.get(unicodedata.category(character)[0], "other")


def cut(text: str) -> list[str]:
    """GPT-2's words: contractions; runs of letters, numbers or marks, each with one blank before it; runs of white space."""
    words, position = [], 0
    while position < len(text):
        contraction = next((end for end in CONTRACTIONS if text.startswith(end, position)), None)
        if contraction:
            words.append(contraction)
            position += len(contraction)
            continue
        start = position
        if text[position] == " " and position + 1 < len(text) and not text[position + 1].isspace():
            position += 1
        kind = kind_of(text[position])
        while position < len(text) and kind_of(text[position]) == kind:
            position += 1
        if kind == "space" and position < len(text) and position - start > 1:
            position -= 1  # the last blank belongs to the next word
        words.append(text[start:position])
    return words


class Tokenizer:
    """Ids: bytes in the order of their printable characters, merges, then the special tokens of the chat."""

    def __init__(self, merges: list[tuple[str, str]]):
        self.merges = merges
        self.symbols = byte_symbols()
        self.tokens = [*self.symbols, *(left + right for left, right in merges), *chat.SPECIAL_TOKENS]
        self.ids = {token: number for number, token in enumerate(self.tokens)}
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}
        self.known_words: dict[str, list[int]] = {}
        self.known_texts: dict[str, list[int]] = {}

    @staticmethod
    def load(path: Path = VOCABULARY) -> "Tokenizer":
        return Tokenizer([tuple(merge.split(" ")) for merge in json.loads(path.read_text())["merges"]])

    def special(self, token: str) -> int:
        return self.ids[token]

    def encode(self, text: str) -> list[int]:
        """Ordinary text; special tokens in it are text, too."""
        return [token for word in cut(text) for token in self._word(word)]

    def encode_known(self, text: str) -> list[int]:
        """As `encode`, for one of a few texts that come again and again: it is remembered."""
        known = self.known_texts.get(text)
        if known is None:
            known = self.known_texts[text] = self.encode(text)
        return known

    def encode_loosely(self, text: str, share: float, source: random.Random) -> list[int]:
        """As `encode`, but that share of the words in smaller pieces, each time in others, so that pieces of unknown words are known.
        After "BPE-Dropout" (Provilkov, Emelianenko, Voita 2020), which leaves merges out at random."""
        return [token for word in cut(text) for token in (self._pieces(word, source) if share > 0 and source.random() < share else self._word(word))]

    def _pieces(self, word: str, source: random.Random | None = None) -> list[int]:
        """@param source  leaves merges out"""
        parts = [self.symbols[byte] for byte in word.encode()]
        while len(parts) > 1:
            pairs = ((self.ranks.get(pair, len(self.ranks)), at) for at, pair in enumerate(zip(parts, parts[1:])))
            rank, at = min((pair for pair in pairs if not source or source.random() >= LEFT_OUT), default=(len(self.ranks), 0))
            if rank == len(self.ranks):
                break
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return [self.ids[part] for part in parts]

    def _word(self, word: str) -> list[int]:
        known = self.known_words.get(word)
        if known is None:
            known = self._pieces(word)
            if len(self.known_words) < 200_000:
                self.known_words[word] = known
        return known

    def decode(self, ids: list[int]) -> str:
        bytes_of = {symbol: byte for byte, symbol in enumerate(self.symbols)}
        text = "".join(self.tokens[number] for number in ids if self.tokens[number] not in chat.SPECIAL_TOKENS)
        return bytes(bytes_of[symbol] for symbol in text).decode(errors="replace")


def counted_words() -> collections.Counter:
    corpus = read_corpus()
    sampler, source = Sampler(corpus, everything=True), random.Random("vocabulary")
    words: collections.Counter = collections.Counter()
    for _ in range(DRAWN_DIALOGUES):
        for question, _ in sampler.draw(source):
            words.update(cut(" " + question))
    answers = {entry.answer for entry in corpus.entries} | {after.answer for entry in corpus.entries for after in entry.follow_ups}
    for answer in sorted(answers):
        for word in cut(answer):
            words[word] += ANSWER_WEIGHT
    return words


def learn_merges(words: collections.Counter, count: int) -> list[tuple[str, str]]:
    """The most frequent pair again and again; ties by the pair itself, so that the result is always the same."""
    symbols = byte_symbols()
    texts = [([symbols[byte] for byte in word.encode()], number) for word, number in sorted(words.items())]
    pairs: collections.Counter = collections.Counter()
    places: dict[tuple[str, str], set[int]] = collections.defaultdict(set)
    for index, (parts, number) in enumerate(texts):
        for pair in zip(parts, parts[1:]):
            pairs[pair] += number
            places[pair].add(index)
    merges = []
    while len(merges) < count:
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        for index in sorted(places.pop(best)):
            parts, number = texts[index]
            for pair in zip(parts, parts[1:]):
                pairs[pair] -= number
            at = 0
            while at < len(parts) - 1:
                if (parts[at], parts[at + 1]) == best:
                    parts[at : at + 2] = [best[0] + best[1]]
                at += 1
            for pair in zip(parts, parts[1:]):
                pairs[pair] += number
                places[pair].add(index)
        del pairs[best]
    return merges


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, nargs="?", default=VOCABULARY)
    parser.add_argument("--size", type=int, default=SIZE)
    arguments = parser.parse_args()
    merges = learn_merges(counted_words(), arguments.size - 256 - len(chat.SPECIAL_TOKENS))
    arguments.output.write_text(json.dumps({"merges": [" ".join(pair) for pair in merges]}, ensure_ascii=False, indent=0) + "\n")
    print(f"{arguments.output}: {len(merges)} merges")
    return 0


if __name__ == "__main__":
    sys.exit(main())
