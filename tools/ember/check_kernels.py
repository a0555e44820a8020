#!/usr/bin/python3
"""Does kernels.c compute what PyTorch does? Compares loss and gradients of a small network, and what dropout keeps; exits with 1 when they differ."""
import sys
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F

import kernels
from model import Ember
from shape import Shape

LARGEST_DIFFERENCE = 0.03  # of a gradient, by its norm: what bfloat16 products round


def gradients(model: Ember, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    model.zero_grad(set_to_none=True)
    loss.backward()
    return {name: weight.grad.clone() for name, weight in model.named_parameters()}


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
