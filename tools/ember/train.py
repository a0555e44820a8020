#!/usr/bin/python3
"""Trains Ember from scratch on the corpus. Needs Debian's python3-torch and libopenblas0-pthread.

    train.py --steps 2400 run/              trains; run again with the same arguments to go on from the last checkpoint
    train.py --steps 2400 --everything run/ the held-out phrasings, too: the model that ships

Only answers are learned, questions are read. Each batch holds dialogues of about equal length, so that little is padded. Seeds are fixed: batch N is
the same in every run. Every `--report` steps it prints the loss on held-out phrasings, and how many of them it answers right to the last token.
"""
import argparse
import dataclasses
import math
import os
import random
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "2")

import torch
import torch.nn.functional as F

import chat
from dialogues import Dialogue, Sampler, validation
from entries import read_corpus
from model import Ember
from overlap import blocked_grams, grams, read_questions
from shape import Shape
from tokenizer import Tokenizer

POOLED_BATCHES = 16  # drawn together and sorted by length
PADDING = 0


@dataclasses.dataclass
class Example:
    tokens: list[int]
    learned: list[bool]  # of each token: is it to be predicted?


@dataclasses.dataclass
class Batch:
    tokens: torch.Tensor
    wanted: torch.Tensor  # positions whose next token is to be predicted, in the flattened batch
    targets: torch.Tensor
    rows: torch.Tensor  # the row of each of them


def encode(dialogue: Dialogue, tokenizer: Tokenizer) -> Example:
    user, ember, end = (tokenizer.special(token) for token in (chat.USER, chat.EMBER, chat.END))
    tokens, learned = [], []
    for question, answer in dialogue:
        asked = [user, *tokenizer.encode(" " + question), ember]
        answered = [*tokenizer.encode(answer), end]
        tokens += asked + answered
        learned += [False] * len(asked) + [True] * len(answered)
    return Example(tokens, learned)


def make_batch(examples: list[Example]) -> Batch:
    length = max(len(example.tokens) for example in examples)
    tokens = torch.full((len(examples), length), PADDING)
    wanted, targets, rows = [], [], []
    for row, example in enumerate(examples):
        tokens[row, : len(example.tokens)] = torch.tensor(example.tokens)
        for position, learned in enumerate(example.learned):
            if learned:
                wanted.append(row * length + position - 1)
                targets.append(example.tokens[position])
                rows.append(row)
    return Batch(tokens, torch.tensor(wanted), torch.tensor(targets), torch.tensor(rows))


def pool(number: int, sampler: Sampler, tokenizer: Tokenizer, options) -> list[Batch]:
    source = random.Random(f"{options.seed}/{number}")
    examples = [encode(sampler.draw(source), tokenizer) for _ in range(POOLED_BATCHES * options.batch)]
    examples.sort(key=lambda example: len(example.tokens))
    batches = [make_batch(examples[at : at + options.batch]) for at in range(0, len(examples), options.batch)]
    source.shuffle(batches)
    return batches


def batches_from(step: int, sampler: Sampler, tokenizer: Tokenizer, options):
    while True:
        for batch in pool(step // POOLED_BATCHES, sampler, tokenizer, options)[step % POOLED_BATCHES :]:
            yield batch
            step += 1


def learning_rate(step: int, options) -> float:
    warm = min(1.0, (step + 1) / options.warm_up)
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
        wrong = torch.zeros(len(batch.tokens)).index_add_(0, batch.rows, (scores.argmax(-1) != batch.targets).float())
        right += int((wrong == 0).sum())
        answers += len(batch.tokens)
    model.train()
    return loss / count, right / answers


def make_optimizer(model: Ember, options) -> torch.optim.Optimizer:
    matrices = [weight for weight in model.parameters() if weight.dim() == 2]
    vectors = [weight for weight in model.parameters() if weight.dim() != 2]
    groups = [{"params": matrices, "weight_decay": options.decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=options.rate, betas=(0.9, 0.98), eps=1e-8)


def save(path: Path, model: Ember, optimizer: torch.optim.Optimizer, step: int, note: dict) -> None:
    """Whole or not at all."""
    state = {"shape": dataclasses.asdict(model.shape), "model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "note": note}
    torch.save(state, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


class Trainer:
    def __init__(self, options):
        self.options = options
        torch.manual_seed(options.seed)
        self.tokenizer = Tokenizer.load()
        corpus = read_corpus()
        blocked = blocked_grams(read_questions(options.held_back), corpus) if options.held_back else set()
        self.sampler = Sampler(corpus, options.everything, lambda question: not blocked.isdisjoint(grams(question)))
        held_out = sorted((encode(dialogue, self.tokenizer) for dialogue in validation(corpus)), key=lambda example: len(example.tokens))
        self.held_out = [make_batch(held_out[at : at + 64]) for at in range(0, len(held_out), 64)]
        shape = Shape(options.hidden, options.layers, options.heads, options.key_value_heads, options.feed_forward, len(self.tokenizer.tokens))
        self.model = Ember(shape)
        self.optimizer = make_optimizer(self.model, options)
        self.path = options.folder / "checkpoint.pt"
        self.step = 0
        if self.path.exists():
            state = torch.load(self.path)
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step = state["step"]
        torch.manual_seed(options.seed * 1_000_003 + self.step)  # of the dropout

    def learn(self, batch: Batch) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.step, self.options)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.options.precision == "bf16"):
            scores = self.model(batch.tokens, batch.wanted, self.options.dropout)
        loss = F.cross_entropy(scores.float(), batch.targets)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        return loss.item()

    def report(self, losses: list[float], tokens: int, seconds: float, cpu_seconds: float) -> dict:
        loss, right = judge(self.model, self.held_out)
        note = {"step": self.step, "loss": sum(losses) / len(losses), "held_out_loss": loss, "held_out_right": right}
        left = (self.options.steps - self.step) * seconds / len(losses)
        print(f"step {self.step}/{self.options.steps}  loss {note['loss']:.3f}  held-out {loss:.3f}, {right:.1%} right to the last token"
              f"  {tokens / seconds:.0f} tokens/s, {tokens / cpu_seconds:.0f} per CPU second, {left / 60:.0f} min left", flush=True)
        return note

    def run(self) -> None:
        print(f"{sum(weight.numel() for weight in self.model.parameters()) / 1e6:.2f} million parameters, step {self.step}", flush=True)
        losses, tokens, started, cpu_started = [], 0, time.monotonic(), time.process_time()
        end = started + self.options.minutes * 60
        for batch in batches_from(self.step, self.sampler, self.tokenizer, self.options):
            if losses and (self.step % self.options.report == 0 or self.step >= self.options.steps or time.monotonic() > end):
                note = self.report(losses, tokens, time.monotonic() - started, time.process_time() - cpu_started)
                save(self.path, self.model, self.optimizer, self.step, note)
                losses, tokens, started, cpu_started = [], 0, time.monotonic(), time.process_time()
            if self.step >= self.options.steps or time.monotonic() > end:
                break
            losses.append(self.learn(batch))
            tokens += batch.tokens.numel()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where checkpoint.pt is kept")
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after this long; a later run goes on")
    parser.add_argument("--batch", type=int, default=96, help="dialogues")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--warm-up", type=int, default=100)
    parser.add_argument("--decay", type=float, default=0.05)
    parser.add_argument("--dropout", type=float, default=0.05)
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32", help="bf16 is faster on CPUs with AMX")
    parser.add_argument("--everything", action="store_true")
    parser.add_argument("--held-back", type=Path, nargs="*", help="questions of the examination: see overlap.py")
    parser.add_argument("--report", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    shape = Shape()
    for name in ("hidden", "layers", "heads", "key_value_heads", "feed_forward"):
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=getattr(shape, name))
    return parser.parse_args()


def main() -> int:
    options = parse_arguments()
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))  # of the vector code; OpenBLAS reads the variable
    Trainer(options).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
