#!/usr/bin/python3
"""Trains Ember from scratch on the corpus. Needs Debian's python3-torch and libopenblas0-pthread.

    train.py --steps 2400 run/              trains; run again with the same arguments to go on from the last checkpoint
    train.py --steps 2400 --everything run/ the held-out phrasings, too: the model that ships

Only answers are learned, questions are read. Each batch holds dialogues of about equal length, so that little is padded. Seeds are fixed: batch N is
the same in every run. Every `--report` steps it prints the loss on held-out phrasings, and how many of them it answers right to the last token.
"""
import argparse
import collections
import dataclasses
import itertools
import math
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "2")

import numpy
import torch
import torch.nn.functional as F

import chat
import kernels
from dialogues import Dialogue, Sampler, validation
from entries import read_corpus
from model import Ember
from overlap import grams, read_blocked
from shape import Shape
from tokenizer import Tokenizer

POOLED_BATCHES = 16  # drawn together and sorted by length
PADDING = 0
JUDGED_OF_LEARNED = 8  # with --everything the held-out phrasings are learned, too: one batch in this many will do
BETAS = (0.9, 0.98)
LARGEST_NORM = 1.0  # of the gradient
SHORT_ANSWER, SHORT_SHARE = 8, 0.9  # tokens; of the dialogues after --short-from


@dataclasses.dataclass
class Example:
    tokens: list[int]
    learned: list[bool]  # of each token: is it of an answer?


@dataclasses.dataclass
class Batch:
    """Arrays as they are drawn, in other processes, too; tensors after `to`."""

    tokens: numpy.ndarray
    wanted: numpy.ndarray  # positions whose next token is to be predicted, in the flattened batch
    targets: numpy.ndarray
    rows: numpy.ndarray  # the row of each of them
    answers: numpy.ndarray  # of each of them: is it in an answer?

    def to(self, device: str) -> "Batch":
        arrays = (self.tokens, self.wanted, self.targets, self.rows, self.answers)
        return Batch(*(torch.from_numpy(array).to(device, non_blocking=True).long() for array in arrays))


def encode(dialogue: Dialogue, tokenizer: Tokenizer, pieces: float = 0.0, source: random.Random = random) -> Example:
    """@param pieces  share of the words of questions that are cut into smaller pieces than they need"""
    user, ember, end = (tokenizer.special(token) for token in (chat.USER, chat.EMBER, chat.END))
    tokens, learned = [], []
    for question, answer in dialogue:
        asked = [user, *tokenizer.encode_loosely(" " + question, pieces, source), ember]
        answered = [*tokenizer.encode_known(answer), end]
        tokens += asked + answered
        learned += [False] * len(asked) + [True] * len(answered)
    return Example(tokens, learned)


def shortened(example: Example, tokens: int) -> Example:
    """With the beginning of its last answer alone, which tells it from the others."""
    start = len(example.learned)
    while start > 0 and example.learned[start - 1]:
        start -= 1
    return Example(example.tokens[: start + tokens], example.learned[: start + tokens])


def make_batch(examples: list[Example], questions: bool = False) -> Batch:
    """@param questions  are the tokens of questions to be predicted, too?"""
    length = max(len(example.tokens) for example in examples)
    tokens = numpy.full((len(examples), length), PADDING, numpy.int16)
    wanted, targets, rows, answers = [], [], [], []
    for row, example in enumerate(examples):
        tokens[row, : len(example.tokens)] = example.tokens
        for position, learned in enumerate(example.learned):
            if learned or (questions and position > 0):
                wanted.append(row * length + position - 1)
                targets.append(example.tokens[position])
                rows.append(row)
                answers.append(learned)
    return Batch(tokens, numpy.array(wanted, numpy.int32), numpy.array(targets, numpy.int16), numpy.array(rows, numpy.int16), numpy.array(answers))


class Drawer:
    """Draws pools of batches by their number: the same in every run and in every process."""

    shared: "Drawer"  # in worker processes: the one they were forked with

    def __init__(self, sampler: Sampler, tokenizer: Tokenizer, options):
        self.sampler, self.tokenizer = sampler, tokenizer
        self.seed, self.batch, self.workers, self.questions = options.seed, options.batch, options.workers, options.question_weight > 0
        self.short_from, self.pieces = options.short_from, options.pieces
        if self.workers > 0:
            Drawer.shared = self
            self.processes = multiprocessing.get_context("fork").Pool(self.workers)

    def pool(self, number: int) -> list[Batch]:
        source = random.Random(f"{self.seed}/{number}")
        examples = [encode(self.sampler.draw(source), self.tokenizer, self.pieces, source) for _ in range(POOLED_BATCHES * self.batch)]
        if number * POOLED_BATCHES >= self.short_from:
            examples = [shortened(example, SHORT_ANSWER) if source.random() < SHORT_SHARE else example for example in examples]
        examples.sort(key=lambda example: len(example.tokens))
        batches = [make_batch(examples[at : at + self.batch], self.questions) for at in range(0, len(examples), self.batch)]
        source.shuffle(batches)
        return batches

    def pools_from(self, number: int) -> Iterator[list[Batch]]:
        if self.workers == 0:
            yield from map(self.pool, itertools.count(number))
        coming = collections.deque()
        for ahead in itertools.count(number):
            coming.append(self.processes.apply_async(shared_pool, (ahead,)))
            if len(coming) > 2 * self.workers:
                yield coming.popleft().get()

    def batches_from(self, step: int) -> Iterator[Batch]:
        skipped = step % POOLED_BATCHES
        for batches in self.pools_from(step // POOLED_BATCHES):
            yield from batches[skipped:]
            skipped = 0


def shared_pool(number: int) -> list[Batch]:
    return Drawer.shared.pool(number)


def learning_rate(step: int, options) -> float:
    """With a cool-down no rate before it depends on the number of steps, which may be changed until then."""
    warm = min(1.0, (step + 1) / options.warm_up)
    if options.cool_down:
        return options.rate * warm * (0.02 + 0.98 * max(0.0, min(1.0, (options.steps - step) / options.cool_down)))
    return options.rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / options.steps)))


@torch.no_grad()
def judge(model: Ember, batches: list[Batch]) -> tuple[float, float]:
    """(loss, share of answers whose every token is the likeliest one, so that greedy sampling gives them)"""
    model.eval()
    loss, count, right, answers = 0.0, 0, 0, 0
    for batch in batches:
        scores = model(batch.tokens, batch.wanted)
        loss += F.cross_entropy(scores, batch.targets, reduction="sum").item()
        count += len(batch.targets)
        wrong = torch.zeros(len(batch.tokens), device=scores.device).index_add_(0, batch.rows, (scores.argmax(-1) != batch.targets).float())
        right += int((wrong == 0).sum())
        answers += len(batch.tokens)
    model.train()
    return loss / count, right / answers


def make_optimizer(model: Ember, options) -> torch.optim.Optimizer:
    matrices = [weight for weight in model.parameters() if weight.dim() == 2]
    vectors = [weight for weight in model.parameters() if weight.dim() != 2]
    groups = [{"params": matrices, "weight_decay": options.decay}, {"params": vectors, "weight_decay": 0.0}]
    if options.kernels:
        return kernels.AdamW(groups, lr=options.rate, betas=BETAS, eps=1e-8)
    fused = {"fused": True} if options.device == "cuda" else {}
    return torch.optim.AdamW(groups, lr=options.rate, betas=BETAS, eps=1e-8, **fused)


def save(path: Path, model: Ember, optimizer: torch.optim.Optimizer | None, step: int, note: dict) -> None:
    """Whole or not at all. @param optimizer  none when the training is done"""
    state = {"shape": dataclasses.asdict(model.shape), "model": model.state_dict(), "step": step, "note": note}
    if optimizer:
        state["optimizer"] = optimizer.state_dict()
    torch.save(state, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


class Trainer:
    def __init__(self, options):
        self.options = options
        torch.manual_seed(options.seed)
        self.tokenizer = Tokenizer.load()
        corpus = read_corpus()
        blocked = read_blocked(options.blocked) if options.blocked else set()
        sampler = Sampler(corpus, options.everything, lambda question: not blocked.isdisjoint(grams(question)))
        self.drawer = Drawer(sampler, self.tokenizer, options)  # forks: before anything runs on a GPU
        held_out = sorted((encode(dialogue, self.tokenizer) for dialogue in validation(corpus)), key=lambda example: len(example.tokens))
        batches = range(0, len(held_out), 64)[:: JUDGED_OF_LEARNED if options.everything else 1]
        self.held_out = [make_batch(held_out[at : at + 64]).to(options.device) for at in batches]
        shape = Shape(options.hidden, options.layers, options.heads, options.key_value_heads, options.feed_forward, len(self.tokenizer.tokens))
        self.model = Ember(shape).to(options.device)
        self.optimizer = make_optimizer(self.model, options)
        self.path = options.folder / "checkpoint.pt"
        if options.kernels:
            kernels.build(options.folder)
        self.step = 0
        if options.begin_with and not self.path.exists():
            self.model.load_state_dict(torch.load(options.begin_with, map_location=options.device)["model"])
        if self.path.exists():
            state = torch.load(self.path, map_location=options.device)
            self.model.load_state_dict(state["model"])
            if "optimizer" in state:
                self.optimizer.load_state_dict(state["optimizer"])
            self.step = state["step"]
        torch.manual_seed(options.seed * 1_000_003 + self.step)  # of the dropout

    def learn(self, batch: Batch) -> torch.Tensor:
        """The loss, which stays on the device: reading it would wait for the step to end."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.step, self.options)
        if self.options.kernels:
            return self.step_with(kernels.loss_of(self.model, batch.tokens, batch.wanted, batch.targets, self.options.dropout))
        with torch.autocast(self.options.device, torch.bfloat16, enabled=self.options.precision == "bf16"):
            scores = self.model(batch.tokens, batch.wanted, self.options.dropout)
        losses = F.cross_entropy(scores.float(), batch.targets, reduction="none")
        answers = batch.answers.sum()
        loss = losses.dot(batch.answers.float()) / answers
        if self.options.question_weight > 0:
            loss = loss + self.options.question_weight * losses.dot(1.0 - batch.answers.float()) / (len(losses) - answers)
        return self.step_with(loss)

    def step_with(self, loss: torch.Tensor) -> torch.Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if self.options.kernels:
            self.optimizer.step_clipped(LARGEST_NORM)
        else:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), LARGEST_NORM)
            self.optimizer.step()
        self.step += 1
        return loss.detach()

    def report(self, losses: list[torch.Tensor], tokens: int, seconds: float, cpu_seconds: float) -> dict:
        loss, right = judge(self.model, self.held_out)
        note = {"step": self.step, "loss": (sum(losses) / len(losses)).item(), "held_out_loss": loss, "held_out_right": right}
        left = (self.options.steps - self.step) * seconds / len(losses)
        print(f"step {self.step}/{self.options.steps}  loss {note['loss']:.3f}  held-out {loss:.3f}, {right:.1%} right to the last token"
              f"  {tokens / seconds:.0f} tokens/s, {tokens / cpu_seconds:.0f} per CPU second, {left / 60:.0f} min left", flush=True)
        return note

    def run(self) -> None:
        print(f"{sum(weight.numel() for weight in self.model.parameters()) / 1e6:.2f} million parameters, step {self.step}", flush=True)
        losses, tokens, started, cpu_started = [], 0, time.monotonic(), time.process_time()
        end = started + self.options.minutes * 60
        for batch in self.drawer.batches_from(self.step):
            if losses and (self.step % self.options.report == 0 or self.step >= self.options.steps or time.monotonic() > end):
                note = self.report(losses, tokens, time.monotonic() - started, time.process_time() - cpu_started)
                save(self.path, self.model, self.optimizer if self.step < self.options.steps else None, self.step, note)
                losses, tokens, started, cpu_started = [], 0, time.monotonic(), time.process_time()
            if self.step >= self.options.steps or time.monotonic() > end:
                break
            losses.append(self.learn(batch.to(self.options.device)))
            tokens += batch.tokens.size


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where checkpoint.pt is kept")
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after this long; a later run goes on")
    parser.add_argument("--batch", type=int, default=96, help="dialogues")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--warm-up", type=int, default=100)
    parser.add_argument("--cool-down", type=int, default=0, help="steps at the end in which the rate falls in a line; 0: it falls as a cosine all the time")
    parser.add_argument("--short-from", type=float, default=math.inf,
                        help="step after which most answers are cut to their first tokens: what they say is known then, and which one it is takes half the time")
    parser.add_argument("--decay", type=float, default=0.05)
    parser.add_argument("--dropout", type=float, default=0.05)
    parser.add_argument("--question-weight", type=float, default=0.0, help="of the loss on the questions' own tokens; answers have 1")
    parser.add_argument("--pieces", type=float, default=0.0, help="share of the words of questions that are cut into smaller tokens than they need")
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32", help="bf16 is faster on CPUs with AMX")
    parser.add_argument("--device", default="cpu", help="cuda: on a GPU")
    parser.add_argument("--workers", type=int, default=0, help="processes that draw batches beside this one; 0: it draws them itself")
    parser.add_argument("--kernels", action="store_true", help="bf16 on a CPU with kernels.c between the products: two to three times as fast")
    parser.add_argument("--begin-with", type=Path, help="a checkpoint whose weights are the first ones: a training of an earlier corpus, of the same vocabulary")
    parser.add_argument("--everything", action="store_true")
    parser.add_argument("--blocked", type=Path, help="5-grams of the held-back questions that are not drawn: overlap.py --blocked writes them")
    parser.add_argument("--report", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    shape = Shape()
    for name in ("hidden", "layers", "heads", "key_value_heads", "feed_forward"):
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=getattr(shape, name))
    options = parser.parse_args()
    if options.kernels and (options.device != "cpu" or options.question_weight > 0):
        parser.error("--kernels: they read a CPU's memory, and weigh every token alike")
    return options


def main() -> int:
    options = parse_arguments()
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))  # of the vector code; OpenBLAS reads the variable
    Trainer(options).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
