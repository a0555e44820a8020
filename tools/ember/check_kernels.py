#!/usr/bin/python3
"""Does kernels.c compute what PyTorch does? Compares loss and gradients of a small network, and what dropout keeps; exits with 1 when they differ."""
import copy
import sys
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F

import kernels
from model import Ember
from shape import Shape

LARGEST_NORM = 0.1  # of the gradients, which are larger
LARGEST_DIFFERENCE = 0.03  # of a gradient, by its norm: what bfloat16 products round


def gradients(model: Ember, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    model.zero_grad(set_to_none=True)
    loss.backward()
    return {name: weight.grad.clone() for name, weight in model.named_parameters()}


def optimized(make, step, model: Ember, gradients: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    """The weights after three steps with the same gradients, which are clipped."""
    model = copy.deepcopy(model)
    optimizer = make(model.parameters(), lr=0.01, betas=(0.9, 0.98), weight_decay=0.05)
    for _ in range(3):
        for name, weight in model.named_parameters():
            weight.grad = gradients[name].clone()
        step(model, optimizer)
    return [weight.detach() for weight in model.parameters()]


def plain_step(model: Ember, optimizer: torch.optim.Optimizer) -> None:
    torch.nn.utils.clip_grad_norm_(model.parameters(), LARGEST_NORM)
    optimizer.step()


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="ember-kernels-") as folder:
        kernels.build(Path(folder))
    torch.manual_seed(1)
    model = Ember(Shape(hidden=64, layers=2, heads=4, key_value_heads=2, feed_forward=96, vocabulary=80))
    tokens, wanted = torch.randint(0, 80, (5, 19)), torch.arange(0, 5 * 19, 2)
    targets = torch.randint(0, 80, (len(wanted),))
    plain, ours = F.cross_entropy(model(tokens, wanted), targets), kernels.loss_of(model, tokens, wanted, targets, 0.0)
    off = {"loss": abs(plain.item() - ours.item())}
    wanted_gradients, got = gradients(model, plain), gradients(model, ours)
    off |= {name: ((got[name] - gradient).norm() / gradient.norm()).item() for name, gradient in wanted_gradients.items()}
    stepped = optimized(torch.optim.AdamW, plain_step, model, wanted_gradients)
    ours_stepped = optimized(kernels.AdamW, lambda _, optimizer: optimizer.step_clipped(LARGEST_NORM), model, wanted_gradients)
    moved = max((weight - first).abs().max().item() for weight, first in zip(stepped, model.parameters()))
    off["AdamW, of the way"] = max((weight - other).abs().max().item() for weight, other in zip(stepped, ours_stepped)) / moved
    x, y = torch.zeros(100, 1000, requires_grad=True), torch.ones(100, 1000, dtype=torch.bfloat16, requires_grad=True)
    total = kernels.AddDropped.apply(x, y, 0.25)
    total.sum().backward()
    off["dropout's mean"] = abs(total.mean().item() - 1)
    off["dropout's gradient"] = (y.grad.float() - total.detach()).abs().max().item()
    for name, difference in off.items():
        print(f"{difference:.4f}  {name}")
    return 0 if all(difference <= LARGEST_DIFFERENCE for difference in off.values()) else 1  # what is no number is not below it


if __name__ == "__main__":
    sys.exit(main())
