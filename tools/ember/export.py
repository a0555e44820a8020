#!/usr/bin/env python3
"""Writes Ember as GGUF: weights, vocabulary, chat template and what it is.

    export.py run/checkpoint.pt ember-f16.gguf         matrices in F16, norms in F32 (needs python3-torch, runs under Debian's /usr/bin/python3)
    export.py --type f32 run/checkpoint.pt ember.gguf
    export.py --untrained ember-untrained.gguf         pseudo-random weights, for tests of the format: standard library alone
"""
import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "make_model"))

import chat
from gguf import F16, F32, INT32, STRING, Model, Tensor, array, flag, real, text, uint, write_gguf
from shape import Shape
from tokenizer import Tokenizer
from weights import Weights

NORMAL, CONTROL = 1, 3
DESCRIPTION = ("A very small model that knows one thing: how to use Hearth. It ships with Hearth as a self-test and a pocket manual; "
               "it is not an assistant, and it says so when it is asked something else.")


def shape_metadata(shape: Shape, type: int) -> dict:
    return {
        "general.architecture": text("llama"),
        "general.type": text("model"),
        "general.name": text("Ember"),
        "general.organization": text("Hearth"),
        "general.description": text(DESCRIPTION),
        "general.license": text("mit"),
        "general.languages": array(STRING, ["en"]),
        "general.file_type": uint(1 if type == F16 else 0),
        "general.quantization_version": uint(2),
        # A manual that says something else every time is no manual.
        "general.sampling.temp": real(0.0),
        "llama.block_count": uint(shape.layers),
        "llama.context_length": uint(shape.context),
        "llama.embedding_length": uint(shape.hidden),
        "llama.feed_forward_length": uint(shape.feed_forward),
        "llama.attention.head_count": uint(shape.heads),
        "llama.attention.head_count_kv": uint(shape.key_value_heads),
        "llama.attention.layer_norm_rms_epsilon": real(shape.norm_epsilon),
        "llama.rope.freq_base": real(shape.rope_base),
        "llama.rope.dimension_count": uint(shape.hidden // shape.heads),
        "llama.vocab_size": uint(shape.vocabulary),
    }


def vocabulary_metadata(tokenizer: Tokenizer) -> dict:
    types = [CONTROL if token in chat.SPECIAL_TOKENS else NORMAL for token in tokenizer.tokens]
    end = tokenizer.special(chat.END)
    return {
        "tokenizer.ggml.model": text("gpt2"),
        "tokenizer.ggml.pre": text("gpt-2"),
        "tokenizer.ggml.tokens": array(STRING, tokenizer.tokens),
        "tokenizer.ggml.token_type": array(INT32, types),
        "tokenizer.ggml.merges": array(STRING, [" ".join(pair) for pair in tokenizer.merges]),
        "tokenizer.ggml.bos_token_id": uint(end),
        "tokenizer.ggml.eos_token_id": uint(end),
        "tokenizer.ggml.padding_token_id": uint(end),
        "tokenizer.ggml.add_bos_token": flag(False),
        "tokenizer.chat_template": text(chat.template()),
    }


def trained_tensors(path: Path, vocabulary: int, type: int) -> tuple[Shape, list[Tensor]]:
    import torch

    from model import named_tensors, trained

    model = trained(path, vocabulary)
    tensors = []
    for name, values in named_tensors(model).items():
        own = type if values.dim() == 2 else F32
        data = values.to(torch.float16 if own == F16 else torch.float32).contiguous().numpy().tobytes()
        tensors.append(Tensor(name, tuple(reversed(values.shape)), own, lambda data=data: iter([data])))
    return model.shape, tensors


def untrained_tensors(shape: Shape, type: int) -> list[Tensor]:
    weights = Weights(1, type)
    hidden, narrow = shape.hidden, shape.hidden // shape.heads * shape.key_value_heads
    tensors = [weights.matrix("token_embd.weight", hidden, shape.vocabulary, deviation=0.02), weights.vector("output_norm.weight", hidden, 1.0)]
    for layer in range(shape.layers):
        rows = {"attn_q": (hidden, hidden), "attn_k": (hidden, narrow), "attn_v": (hidden, narrow), "attn_output": (hidden, hidden),
                "ffn_gate": (hidden, shape.feed_forward), "ffn_up": (hidden, shape.feed_forward), "ffn_down": (shape.feed_forward, hidden)}
        tensors += [weights.matrix(f"blk.{layer}.{name}.weight", *size) for name, size in rows.items()]
        tensors += [weights.vector(f"blk.{layer}.{name}.weight", hidden, 1.0) for name in ("attn_norm", "ffn_norm")]
    return tensors


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, nargs="?")
    parser.add_argument("output", type=Path)
    parser.add_argument("--type", choices=("f16", "f32"), default="f16")
    parser.add_argument("--untrained", action="store_true")
    arguments = parser.parse_args()
    if arguments.untrained == (arguments.checkpoint is not None):
        parser.error("name a checkpoint, or --untrained")
    type = F16 if arguments.type == "f16" else F32
    tokenizer = Tokenizer.load()
    if arguments.untrained:
        shape = Shape(vocabulary=len(tokenizer.tokens))
        tensors = untrained_tensors(shape, type)
    else:
        shape, tensors = trained_tensors(arguments.checkpoint, len(tokenizer.tokens), type)
    model = Model(shape_metadata(shape, type) | vocabulary_metadata(tokenizer), tensors)
    part = arguments.output.with_suffix(".part")
    write_gguf(model, [str(part)])
    part.replace(arguments.output)
    print(f"{arguments.output}: {sum(tensor.size for tensor in tensors) / 1e6:.1f} MB of weights")
    return 0


if __name__ == "__main__":
    sys.exit(main())
