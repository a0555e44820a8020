"""Ember's network in PyTorch: llama.cpp's "llama" architecture, with the names that its GGUF files have.

RMS norms, rotary positions (neighbouring numbers are one pair, as llama.cpp's llama expects them), grouped-query attention, SwiGLU, and one matrix
for input and output.
"""
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from shape import Shape


class RmsNorm(nn.Module):
    def __init__(self, size: int, epsilon: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        x = x.float()
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.epsilon) * self.weight


class Attention(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.inputs = nn.Linear(shape.hidden, shape.hidden + 2 * shape.narrow, bias=False)  # queries, keys, values
        self.output = nn.Linear(shape.hidden, shape.hidden, bias=False)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor, mask: Tensor) -> Tensor:
        rows, length, _ = x.shape
        shape = self.shape
        q, k, v = self.inputs(x).float().split([shape.hidden, shape.narrow, shape.narrow], -1)
        q = rotated(q.view(rows, length, shape.heads, shape.head), cosine, sine)
        k = rotated(k.view(rows, length, shape.key_value_heads, shape.head), cosine, sine)
        v = v.view(rows, length, shape.key_value_heads, shape.head)
        group = shape.heads // shape.key_value_heads
        # The queries of a group stand below each other, so that its keys and values need not be copied.
        q = q.view(rows, length, shape.key_value_heads, group, shape.head).permute(0, 2, 3, 1, 4).reshape(rows, shape.key_value_heads, group * length, shape.head)
        scores = q @ k.permute(0, 2, 3, 1) * shape.head**-0.5
        scores = scores.view(rows, shape.key_value_heads, group, length, length) + mask
        seen = scores.softmax(-1).view(rows, shape.key_value_heads, group * length, length) @ v.transpose(1, 2)
        seen = seen.view(rows, shape.key_value_heads, group, length, shape.head).permute(0, 3, 1, 2, 4).reshape(rows, length, shape.hidden)
        return self.output(seen)


def rotated(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), -1).flatten(-2)


class Block(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.attention_norm = RmsNorm(shape.hidden, shape.norm_epsilon)
        self.attention = Attention(shape)
        self.feed_norm = RmsNorm(shape.hidden, shape.norm_epsilon)
        self.feed_in = nn.Linear(shape.hidden, 2 * shape.feed_forward, bias=False)  # gate, up
        self.feed_out = nn.Linear(shape.feed_forward, shape.hidden, bias=False)

    def forward(self, x: Tensor, dropout: float, *positions: Tensor) -> Tensor:
        x = x + F.dropout(self.attention(self.attention_norm(x), *positions), dropout, self.training)
        gate, up = self.feed_in(self.feed_norm(x)).chunk(2, -1)
        return x + F.dropout(self.feed_out(F.silu(gate) * up), dropout, self.training)


class Ember(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.hidden)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = RmsNorm(shape.hidden, shape.norm_epsilon)
        frequencies = shape.rope_base ** (-torch.arange(0, shape.head, 2).float() / shape.head)
        angles = torch.outer(torch.arange(shape.context).float(), frequencies)
        self.register_buffer("cosine", angles.cos()[None, :, None], persistent=False)
        self.register_buffer("sine", angles.sin()[None, :, None], persistent=False)
        self.register_buffer("mask", torch.full((shape.context, shape.context), float("-inf")).triu(1), persistent=False)
        self._initialise()

    def _initialise(self) -> None:
        nn.init.normal_(self.embedding.weight, std=0.02)
        for name, weight in self.named_parameters():
            if weight.dim() == 2 and not name.startswith("embedding"):
                last = name.endswith(("attention.output.weight", "feed_out.weight"))
                nn.init.normal_(weight, std=weight.shape[1] ** -0.5 * ((2 * self.shape.layers) ** -0.5 if last else 1))

    def forward(self, tokens: Tensor, wanted: Tensor, dropout: float = 0.0) -> Tensor:
        """Scores of the token after each `wanted` position (indices into the flattened batch)."""
        length = tokens.shape[1]
        positions = self.cosine[:, :length], self.sine[:, :length], self.mask[:length, :length]
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, dropout, *positions)
        return F.linear(self.norm(x).flatten(0, 1)[wanted], self.embedding.weight)


def trained(path: Path, vocabulary: int) -> Ember:
    """The network of a checkpoint, on the CPU, not learning. Ends the program when it has not so many tokens."""
    state = torch.load(path, map_location="cpu")
    if state["shape"]["vocabulary"] != vocabulary:
        raise SystemExit(f"{path} was trained with another vocabulary.json")
    model = Ember(Shape(**state["shape"])).eval()
    model.load_state_dict(state["model"])
    return model


def named_tensors(model: Ember) -> dict[str, Tensor]:
    """Every tensor under its name in GGUF; rows are outputs."""
    shape = model.shape
    tensors = {"token_embd.weight": model.embedding.weight, "output_norm.weight": model.norm.weight}
    for number, block in enumerate(model.blocks):
        q, k, v = block.attention.inputs.weight.split([shape.hidden, shape.narrow, shape.narrow])
        gate, up = block.feed_in.weight.chunk(2)
        parts = {
            "attn_norm": block.attention_norm.weight, "attn_q": q, "attn_k": k, "attn_v": v, "attn_output": block.attention.output.weight,
            "ffn_norm": block.feed_norm.weight, "ffn_gate": gate, "ffn_up": up, "ffn_down": block.feed_out.weight,
        }
        tensors |= {f"blk.{number}.{name}.weight": tensor for name, tensor in parts.items()}
    return {name: tensor.detach() for name, tensor in tensors.items()}
