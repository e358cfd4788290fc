#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The two architectures of ppthreads in PyTorch, and a plain training loop.

This is the reference that ppthreads is compared with: `make_golden.py` and `check_parity.py` for correctness, and the
speed comparisons for time. Modules are named so that their state dicts have the names in ppthreads' checkpoints.

Run as a script it trains on random tokens and prints the loss of every step.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Tuple, Union

import numpy
import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn import functional

from torch_layers import GPT, Decoder

ARCHITECTURES = ("decoder", "gpt")
OPTIMIZERS = ("adam", "sgd")

NamedTensors = Dict[str, Tensor]


def default_ffn(arch: str, dim: int) -> int:
    """The feed-forward's hidden width when none is given: PyTorch's 2048 for the decoder, nanoGPT's 4 D for gpt."""
    return 2048 if arch == "decoder" else 4 * dim


def build(
    arch: str, *, vocab: int, dim: int, layers: int, heads: int, seq: int, ffn: Optional[int] = None
) -> Union[Decoder, GPT]:
    """A model with PyTorch's default initialization, which `torch.manual_seed` decides. `ffn` None: `default_ffn`."""
    if arch not in ARCHITECTURES:
        raise ValueError(f"unknown architecture {arch!r}; there are {', '.join(ARCHITECTURES)}")
    if dim % heads != 0:
        raise ValueError(f"{heads} heads do not divide dim {dim}")
    hidden = default_ffn(arch, dim) if ffn is None else ffn
    if arch == "decoder":
        return Decoder(vocab, dim, layers, heads, hidden)
    return GPT(vocab, dim, layers, heads, hidden, seq)


@dataclass(frozen=True)
class Sizes:
    """Sizes of a model."""

    arch: str
    vocab: int
    dim: int
    layers: int
    heads: int
    ffn: int
    seq: int

    def build(self) -> Union[Decoder, GPT]:
        """A new model of these sizes."""
        return build(
            self.arch, vocab=self.vocab, dim=self.dim, layers=self.layers, heads=self.heads, seq=self.seq, ffn=self.ffn
        )


def random_tokens(count: int, vocab: int, seed: int) -> Tensor:
    """`count` uniform random tokens."""
    return torch.randint(0, vocab, (count,), generator=torch.Generator().manual_seed(seed))


def read_tokens(path: Path) -> Tensor:
    """The tokens of a data file: 16-bit little-endian numbers without a header."""
    return torch.from_numpy(numpy.fromfile(path, dtype="<u2").astype(numpy.int64))


def write_tokens(tokens: Tensor, path: Path) -> None:
    """Writes a data file that `read_tokens` reads."""
    if int(tokens.min()) < 0 or int(tokens.max()) > 65535:
        raise ValueError("a token is outside the 16 bits of a data file")
    tokens.numpy().astype("<u2").tofile(path)


def batches(tokens: Tensor, step: int, B: int, S: int) -> Tuple[Tensor, Tensor]:
    """The inputs and targets [B, S] of a step, counted from 0.

    Row b starts at token (step * B + b) * S; targets are the inputs shifted by one; places wrap around at the end.
    """
    starts = (step * B + torch.arange(B)) * S
    places = starts[:, None] + torch.arange(S)[None, :]
    return tokens[places % len(tokens)], tokens[(places + 1) % len(tokens)]


def cross_entropy(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """The mean over all tokens of the cross-entropy of the model's logits."""
    return functional.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())


def make_optimizer(name: str, model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """The optimizer that ppthreads has under the same name: Adam without weight decay, or plain SGD."""
    if name == "adam":
        return torch.optim.Adam(model.parameters(), lr=lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    if name == "sgd":
        return torch.optim.SGD(model.parameters(), lr=lr)
    raise ValueError(f"unknown optimizer {name!r}; there are {', '.join(OPTIMIZERS)}")


def accumulate_gradients(model: nn.Module, inputs: Tensor, targets: Tensor, M: int) -> float:
    """Sets the gradients of the mean loss over M microbatches, which are equal runs of rows; returns that loss."""
    model.zero_grad(set_to_none=True)
    total = 0.0
    for rows, row_targets in zip(inputs.chunk(M), targets.chunk(M)):
        loss = cross_entropy(model, rows, row_targets)
        (loss / M).backward()
        total += loss.item()
    return total / M


def gradients(model: nn.Module) -> NamedTensors:
    """Copies of all gradients by parameter name."""
    return {name: p.grad.detach().clone() for name, p in model.named_parameters() if p.grad is not None}


@dataclass
class Training:
    """What a training run leaves besides the updated model."""

    losses: List[float]
    """One a step, each before that step's update."""
    gradients: NamedTensors
    """Of the last step, before its update."""


def train(
    model: nn.Module, tokens: Tensor, steps: int, B: int, S: int, M: int, lr: float, optimizer: str = "adam"
) -> Training:
    """Trains a model in place, with a new optimizer, on steps 0 ..< steps of the tokens."""
    if steps < 1 or M < 1 or B % M != 0:
        raise ValueError(f"{steps} steps of {B} rows in {M} microbatches: needs a step, and M that divides the rows")
    update = make_optimizer(optimizer, model, lr)
    losses: List[float] = []
    last: NamedTensors = {}
    model.train()
    for step in range(steps):
        inputs, targets = batches(tokens, step, B, S)
        losses.append(accumulate_gradients(model, inputs, targets, M))
        if step == steps - 1:
            last = gradients(model)
        update.step()
    return Training(losses, last)


def perturb(model: nn.Module, seed: int) -> None:
    """Makes an initialization that hides less, for comparisons.

    By default biases are zero and norm weights one in many places, so a model that ignores or swaps them would agree.
    Here each gets small random values on top. Embeddings get smaller: at PyTorch's standard deviation of 1 the epsilon
    of the first layer norm would not show.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.1)
            elif name in ("tok_embeddings.weight", "transformer.wte.weight", "transformer.wpe.weight"):
                parameter.mul_(0.1)


def save_weights(model: nn.Module, path: Path) -> None:
    """Writes the model's state dict as safetensors."""
    save_tensors(model.state_dict(), path)


def save_tensors(tensors: NamedTensors, path: Path) -> None:
    """Writes named tensors as safetensors. (`save_file` would make a file that only its owner can read.)"""
    path.write_bytes(save({name: tensor.detach().contiguous() for name, tensor in tensors.items()}))


def load_tensors(path: Path) -> NamedTensors:
    """Reads named tensors from safetensors."""
    return load_file(str(path))


def positive(text: str) -> int:
    """An argparse type: a whole number from 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not positive")
    return number


def positive_real(text: str) -> float:
    """An argparse type: a finite number above 0."""
    number = float(text)
    if not (math.isfinite(number) and number > 0):
        raise argparse.ArgumentTypeError(f"{text} is not a finite number above 0")
    return number


def main() -> None:
    """Trains on random tokens and prints losses: a quick look at the models alone."""
    parser = argparse.ArgumentParser(description="Trains a small model on random tokens and prints the losses.")
    parser.add_argument("--arch", choices=ARCHITECTURES, default="decoder")
    parser.add_argument("--steps", type=positive, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = build(options.arch, vocab=37, dim=24, layers=2, heads=3, seq=7, ffn=40)
    result = train(model, random_tokens(200, 37, seed=0), options.steps, B=6, S=7, M=3, lr=1e-3)
    for step, loss in enumerate(result.losses, start=1):
        print(f"step {step}: loss {loss:.6f}")


if __name__ == "__main__":
    main()
