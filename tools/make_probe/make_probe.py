#!/usr/bin/env python3
"""Writes probes: GGUF files that are a header alone, with the hyper-parameters and tensors of published models.

A probe has no tokenizer and no weights: the file is as large as the model's, but sparse, so that it takes some
kilobytes of disk. It is enough for everything that asks how much memory a model takes.

    make_probe.py --list                       the names
    make_probe.py FOLDER                       all of them, FOLDER/llama-3.2-1b.gguf and so on
    make_probe.py FOLDER qwen3-8b qwen3-0.6b   these
    make_probe.py --weights FOLDER qwen3-0.6b  with random weights and a tokenizer: a model that can be loaded

Needs nothing but Python's standard library. Same arguments, same bytes.
"""
import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "make_model"))

from filled import write_filled  # noqa: E402
from probe import write_probe  # noqa: E402
from published import MODELS  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    parser.add_argument("--weights", action="store_true", help="random weights and a tokenizer, not a hole")
    parser.add_argument("folder", nargs="?", help="where to write")
    parser.add_argument("names", nargs="*", metavar="name", help="which; none: all")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(sorted(MODELS)))
        return 0
    if not arguments.folder:
        parser.error("which folder to write to?")
    unknown = sorted(set(arguments.names) - set(MODELS))
    if unknown:
        parser.error("unknown: " + ", ".join(unknown))
    os.makedirs(arguments.folder, exist_ok=True)
    for name in arguments.names or sorted(MODELS):
        path = os.path.join(arguments.folder, name + ".gguf")
        write = write_filled if arguments.weights else write_probe
        write(MODELS[name](), path + ".part")
        os.replace(path + ".part", path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
