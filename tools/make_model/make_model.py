#!/usr/bin/env python3
"""Writes GGUF models with pseudo-random weights, for tests, benchmarks and the first run of a fresh installation.

Their text makes no sense: nothing was trained. But they are real models to every program that reads GGUF: real shapes, a real tokenizer,
a chat template, and answers of many different printable words that do not end before the limit. Same arguments, same bytes.

    make_model.py --shape tiny  tiny.gguf          llama architecture, 2.7 MB
    make_model.py --shape 135m  small.gguf         the shape of SmolLM2-135M in F16, 270 MB
    make_model.py --shape 0.5b  half.gguf          the shape of Qwen2.5-0.5B in F16, 1 GB (about 10 s)
    make_model.py --shape embed embed.gguf         BERT architecture, for embeddings
    make_model.py --shape tiny --split 3 tiny.gguf writes tiny-00001-of-00003.gguf and so on

Needs nothing but Python's standard library.
"""
import argparse
import os
import sys

from shapes import SHAPES
from gguf import split_names, text, write_gguf
from vocabulary import CHAT_TEMPLATES


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", nargs="?", help="file to write; with --split the pattern of the files' names")
    parser.add_argument("--output", dest="named_output", metavar="output", help="the same")
    parser.add_argument("--shape", choices=sorted(SHAPES), default="tiny")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another model")
    parser.add_argument("--chat", choices=sorted(CHAT_TEMPLATES), default="plain", help="chat template: tools also has tools and thoughts")
    parser.add_argument("--split", type=int, default=1, metavar="N", help="number of files")
    arguments = parser.parse_args()
    output = arguments.output or arguments.named_output
    if not output:
        parser.error("which file to write?")
    if arguments.split < 1:
        parser.error("--split must be at least 1")

    model = SHAPES[arguments.shape](arguments.seed)
    if "tokenizer.chat_template" in model.metadata:
        model.metadata["tokenizer.chat_template"] = text(CHAT_TEMPLATES[arguments.chat])
    if arguments.split > len(model.tensors):
        parser.error(f"--split: the model has only {len(model.tensors)} tensors")
    names = split_names(output, arguments.split)
    temporary = [name + ".part" for name in names]
    try:
        write_gguf(model, temporary)
        for part, name in zip(temporary, names):
            os.replace(part, name)
    finally:
        for part in temporary:
            if os.path.exists(part):
                os.unlink(part)
    for name in names:
        print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
