# SPDX-License-Identifier: Apache-2.0
"""PyTorch and ppthreads, training the same for `check_parity.py`: the start that both read, and what each makes of it."""

from __future__ import annotations

import json
import math
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import List, Sequence, Tuple

import torch
from safetensors import SafetensorError

import torch_models as models
from comparing import CheckError, Comparison, Result

STEPS = 3


@dataclass(frozen=True)
class Workload(models.Sizes):
    """What is trained."""

    batch: int
    microbatches: int
    lr: float

    def flags(self) -> List[str]:
        """The same as flags of ppthreads."""
        values = {
            "--arch": self.arch, "--layers": self.layers, "--heads": self.heads, "--dim": self.dim, "--ffn": self.ffn,
            "--vocab-size": self.vocab, "--seq-len": self.seq, "--batch-size": self.batch,
            "--microbatches": self.microbatches, "--optimizer": "adam", "--lr": self.lr,
        }  # fmt: skip
        return [text for flag, value in values.items() for text in (flag, str(value))]


@dataclass(frozen=True)
class Files:
    """The files that both sides read, and the folder for those that ppthreads writes."""

    folder: Path

    @property
    def init(self) -> Path:
        return self.folder / "init.safetensors"

    @property
    def tokens(self) -> Path:
        return self.folder / "tokens.bin"

    def weights(self, steps: int) -> Path:
        return self.folder / f"weights_step{steps}.safetensors"

    def gradients(self, steps: int) -> Path:
        return self.folder / f"grads_step{steps}.safetensors"


# ---- The start ----


def separate_relu(model: torch.nn.Module, margin: float, seed: int) -> None:
    """Moves each bias before a ReLU by `margin`, up or down at random, so that hardly an input of it is near 0."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(".linear1.bias"):
                signs = torch.randint(0, 2, parameter.shape, generator=generator) * 2 - 1
                parameter.add_(signs, alpha=margin)


def write_start(workload: Workload, files: Files, seed: int, relu_margin: float) -> None:
    """Writes a random checkpoint, and fewer random tokens than are read, so that places wrap around."""
    torch.manual_seed(seed)
    model = workload.build()
    models.perturb(model, seed + 1)
    separate_relu(model, relu_margin, seed + 2)
    models.save_weights(model, files.init)
    count = STEPS * workload.batch * workload.seq * 5 // 6 + 1
    models.write_tokens(models.random_tokens(count, workload.vocab, seed + 3), files.tokens)


# ---- The two sides ----


def pytorch_result(workload: Workload, files: Files, steps: int) -> Result:
    """Trains with PyTorch."""
    model = workload.build()
    model.load_state_dict(models.load_tensors(files.init))
    tokens = models.read_tokens(files.tokens)
    run = models.train(
        model, tokens, steps, workload.batch, workload.seq, workload.microbatches, workload.lr, optimizer="adam"
    )
    return Result(run.losses, run.gradients, model.state_dict())


def ppthreads_result(command: Sequence[str], workload: Workload, files: Files, steps: int, timeout: float) -> Result:
    """Trains with ppthreads. `command` is the binary, `run` and the flags that say how."""
    arguments = [
        *command, *workload.flags(), "--warmup-steps", "0", "--measure-steps", str(steps),
        "--data", str(files.tokens), "--init", str(files.init), "--save", str(files.weights(steps)),
        "--save-grads", str(files.gradients(steps)), "--json",
    ]  # fmt: skip
    losses = losses_of(output_of(arguments, timeout), steps)
    return Result(losses, read_tensors(files.gradients(steps)), read_tensors(files.weights(steps)))


def output_of(arguments: Sequence[str], timeout: float) -> str:
    """What a command prints on standard output."""
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=timeout, check=False)
    except (OSError, UnicodeDecodeError) as error:
        raise CheckError(f"ppthreads could not be run: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise CheckError(f"ppthreads did not end within {timeout:g} s") from error
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise CheckError(f"ppthreads ended with status {done.returncode}: {lines[-1]}")
    return done.stdout


def losses_of(output: str, steps: int) -> List[float]:
    """The losses in the JSON that ppthreads printed: one a step, of which `loss` is the last."""
    try:
        report = json.loads(output)
        history = [float(loss) for loss in report["loss_history"]]
        last = float(report["loss"])
    except (ValueError, KeyError, TypeError) as error:
        raise CheckError(f"ppthreads printed no JSON object with loss and loss_history: {error!r}") from error
    if len(history) != steps:
        raise CheckError(f"ppthreads printed {len(history)} losses in loss_history for {steps} steps")
    if last != history[-1] and not math.isnan(last):
        raise CheckError(f"ppthreads printed the loss {last}, but {history[-1]} as the last of loss_history")
    return history


def read_tensors(path: Path) -> models.NamedTensors:
    """A safetensors file that ppthreads wrote."""
    try:
        return models.load_tensors(path)
    except (OSError, SafetensorError) as error:
        raise CheckError(f"ppthreads left no readable {path.name}: {error}") from error


# ---- The checkpoint ----


def evaluate_saved(workload: Workload, files: Files) -> Tuple[float, Comparison]:
    """Loads ppthreads' checkpoint into PyTorch; its loss on the batch after the last, which has to be finite."""
    model = workload.build()
    try:
        model.load_state_dict(read_tensors(files.weights(STEPS)), strict=True)
    except RuntimeError as error:
        raise CheckError(f"PyTorch does not load ppthreads' checkpoint: {' '.join(str(error).split())}") from error
    inputs, targets = models.batches(models.read_tokens(files.tokens), STEPS, workload.batch, workload.seq)
    model.eval()
    with torch.no_grad():
        loss = models.cross_entropy(model, inputs, targets).item()
    return loss, Comparison("checkpoint", "loads; loss is finite", 0.0 if math.isfinite(loss) else math.nan, 0.0)
