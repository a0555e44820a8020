"""Ember's network for training on a CPU with bfloat16 products: what model.py computes, with kernels.c between the products. Much faster there.

Needs a C compiler (`cc`, with OpenMP); the library is built beside the checkpoint. Dropout draws its own numbers, so that a run differs from one without.
"""
import ctypes
import subprocess
from pathlib import Path

import torch
from torch import Tensor
from torch.autograd import Function

from model import Ember

SOURCE = Path(__file__).resolve().with_name("kernels.c")
NORM_PARTS = 8
LIBRARY: ctypes.CDLL


def build(folder: Path) -> None:
    global LIBRARY
    target = folder.resolve() / "kernels.so"
    subprocess.run(["cc", "-O3", "-march=native", "-ffast-math", "-fopenmp", "-shared", "-fPIC", "-o", str(target), str(SOURCE), "-lm"], check=True)
    LIBRARY = ctypes.CDLL(str(target))


def call(name: str, *arguments) -> None:
    """Tensors by their address; they must be contiguous. Whole numbers are long or uint32, both of which travel as 64 bits."""
    passed = []
    for argument in arguments:
        if isinstance(argument, Tensor):
            assert argument.is_contiguous()
            passed.append(ctypes.c_void_p(argument.data_ptr()))
        else:
            passed.append(ctypes.c_float(argument) if isinstance(argument, float) else ctypes.c_long(argument))
    getattr(LIBRARY, name)(*passed)


class Norm(Function):
    @staticmethod
    def forward(context, x, weight, epsilon):
        rows = x.numel() // x.shape[-1]
        y, inverse = torch.empty(x.shape, dtype=torch.bfloat16), torch.empty(rows)
        call("norm_forward", x, weight, y, inverse, rows, x.shape[-1], epsilon)
        context.save_for_backward(x, weight, inverse)
        return y

    @staticmethod
    def backward(context, dy):
        x, weight, inverse = context.saved_tensors
        dx, parts = torch.empty_like(x), torch.empty(NORM_PARTS, x.shape[-1])
        call("norm_backward", dy.contiguous(), x, weight, inverse, dx, parts, NORM_PARTS, len(inverse), x.shape[-1])
        return dx, parts.sum(0), None


class Product(Function):
    """x times the weight's transpose, in bfloat16."""

    @staticmethod
    def forward(context, x, weight):
        small = weight.bfloat16()
        context.save_for_backward(x, small)
        return x @ small.t()

    @staticmethod
    def backward(context, dy):
        x, small = context.saved_tensors
        return dy @ small, (dy.t() @ x).float()


class AddDropped(Function):
    @staticmethod
    def forward(context, x, y, dropout):
        context.seed = int(torch.randint(0, 2**31, ()))
        context.dropped, context.scale = round(dropout * 2**24), 1.0 / (1.0 - dropout)
        total = torch.empty_like(x)
        call("add_forward", x, y, total, x.numel(), context.seed, context.dropped, context.scale)
        return total

    @staticmethod
    def backward(context, gradient):
        gradient = gradient.contiguous()
        dy = torch.empty(gradient.shape, dtype=torch.bfloat16)
        call("add_backward", gradient, dy, gradient.numel(), context.seed, context.dropped, context.scale)
        return gradient, dy, None


class SwiGlu(Function):
    @staticmethod
    def forward(context, both):
        rows, width = both.shape[0], both.shape[1] // 2
        y = torch.empty(rows, width, dtype=torch.bfloat16)
        call("swiglu_forward", both, y, rows, width)
        context.save_for_backward(both)
        return y

    @staticmethod
    def backward(context, dy):
        (both,) = context.saved_tensors
        gradient = torch.empty_like(both)
        call("swiglu_backward", both, dy.contiguous(), gradient, both.shape[0], both.shape[1] // 2)
        return gradient


class Attend(Function):
    @staticmethod
    def forward(context, inputs, cosine, sine, rows, length, shape):
        heads, groups, size = shape.heads, shape.key_value_heads, shape.head
        q, k, v = (torch.empty(rows * groups, many * length, size, dtype=torch.bfloat16) for many in (heads // groups, 1, 1))
        call("split_turned", inputs, cosine, sine, q, k, v, rows, length, heads, groups, size, size**-0.5)
        shares = torch.bmm(q, k.transpose(1, 2))
        call("softmax_forward", shares, rows * heads, length)
        seen = torch.bmm(shares, v)
        y = torch.empty(rows * length, shape.hidden, dtype=torch.bfloat16)
        call("heads_joined", seen, y, rows, length, heads, size)
        context.save_for_backward(q, k, v, shares, cosine, sine)
        context.sizes = rows, length, heads, groups, size
        return y

    @staticmethod
    def backward(context, dy):
        q, k, v, shares, cosine, sine = context.saved_tensors
        rows, length, heads, groups, size = context.sizes
        dseen = torch.empty_like(q)
        call("heads_split", dy.contiguous(), dseen, rows, length, heads, size)
        dv = torch.bmm(shares.transpose(1, 2), dseen)
        dscores = torch.bmm(dseen, v.transpose(1, 2))
        call("softmax_backward", shares, dscores, rows * heads, length)
        dq, dk = torch.bmm(dscores, k), torch.bmm(dscores.transpose(1, 2), q)
        gradient = torch.empty(rows * length, (heads + 2 * groups) * size, dtype=torch.bfloat16)
        call("joined_turned", dq, dk, dv, cosine, sine, gradient, rows, length, heads, groups, size, size**-0.5)
        return gradient, None, None, None, None, None


class CrossEntropy(Function):
    """The mean loss. The scores are overwritten."""

    @staticmethod
    def forward(context, scores, targets):
        losses = torch.empty(len(targets))
        call("cross_entropy", scores, targets, losses, *scores.shape)
        context.save_for_backward(scores)
        return losses.mean()

    @staticmethod
    def backward(context, gradient):
        (scores,) = context.saved_tensors
        return scores, None  # of the mean loss itself: nothing multiplies it


class AdamW(torch.optim.AdamW):
    """PyTorch's, with its state; the gradient's norm is clipped and each weight changed in one pass."""

    @torch.no_grad()
    def step_clipped(self, largest_norm: float) -> None:
        gradients = [weight.grad for group in self.param_groups for weight in group["params"]]
        norm = torch.stack([gradient.norm() for gradient in gradients]).norm().item()
        scale = min(1.0, largest_norm / (norm + 1e-6))
        for group in self.param_groups:
            for weight in group["params"]:
                self.change(weight, group, scale)

    def change(self, weight: Tensor, group: dict, scale: float) -> None:
        state = self.state[weight]
        if not state:
            state |= {"step": torch.tensor(0.0), "exp_avg": torch.zeros_like(weight), "exp_avg_sq": torch.zeros_like(weight)}
        state["step"] += 1
        step, (beta1, beta2) = state["step"].item(), group["betas"]
        call("adamw", weight, weight.grad.contiguous(), state["exp_avg"], state["exp_avg_sq"], weight.numel(), scale, group["lr"],
             group["weight_decay"], beta1, beta2, 1 - beta1**step, (1 - beta2**step) ** 0.5, group["eps"])


def loss_of(model: Ember, tokens: Tensor, wanted: Tensor, targets: Tensor, dropout: float) -> Tensor:
    shape = model.shape
    rows, length = tokens.shape
    half = shape.head // 2
    cosine, sine = model.cosine[0, :length].reshape(length, half), model.sine[0, :length].reshape(length, half)
    x = model.embedding(tokens).flatten(0, 1)
    for block in model.blocks:
        inputs = Product.apply(Norm.apply(x, block.attention_norm.weight, shape.norm_epsilon), block.attention.inputs.weight)
        seen = Attend.apply(inputs, cosine, sine, rows, length, shape)
        x = AddDropped.apply(x, Product.apply(seen, block.attention.output.weight), dropout)
        both = Product.apply(Norm.apply(x, block.feed_norm.weight, shape.norm_epsilon), block.feed_in.weight)
        x = AddDropped.apply(x, Product.apply(SwiGlu.apply(both), block.feed_out.weight), dropout)
    x = Norm.apply(x[wanted], model.norm.weight, shape.norm_epsilon)
    return CrossEntropy.apply(Product.apply(x, model.embedding.weight), targets)
