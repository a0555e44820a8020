#!/usr/bin/python3
"""The mean of the weights of checkpoints that went on from one: it generalizes better than each ("Model soups", Wortsman and others 2022).

    average.py run/a/checkpoint.pt run/b/checkpoint.pt mean/checkpoint.pt
"""
import argparse
import sys
from pathlib import Path

import torch


def mean_of(states: list[dict]) -> dict:
    """@param states  of one shape; ValueError if not"""
    if any(state["shape"] != states[0]["shape"] for state in states):
        raise ValueError("checkpoints of different shapes have no mean")
    model = {name: sum(state["model"][name] for state in states) / len(states) for name in states[0]["model"]}
    return {"shape": states[0]["shape"], "model": model, "step": sum(state["step"] for state in states), "note": {"mean_of": [state["note"] for state in states]}}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    mean = mean_of([torch.load(path, map_location="cpu") for path in arguments.checkpoints])
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    torch.save(mean, arguments.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
