# SPDX-License-Identifier: Apache-2.0
"""Runs of `ppthreads run` and of torch_pipeline.py on the same work, in turns."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

import torch

import torch_models as models
from comparing import CheckError

HERE = Path(__file__).resolve().parent
PIPELINE = HERE / "torch_pipeline.py"
SCHEDULES = ("gpipe", "1f1b", "interleaved")
LOSS_LIMIT = 1e-3
"""Of any step's loss. Rounding alone grows over the steps, most through ReLU's jump: see README.md."""
SAME_KEYS = (
    "arch", "layers", "heads", "dim", "ffn", "vocab_size", "seq_len", "batch_size", "parameters", "warmup_steps",
    "measure_steps",
)  # fmt: skip

JSON = Dict[str, object]


@dataclass(frozen=True)
class Workload:
    """What is trained: the reference sizes for both architectures."""

    arch: str
    layers: int = 4
    heads: int = 4
    dim: int = 240
    ffn: int = 2048
    vocab: int = 10000
    seq: int = 64
    batch: int = 8
    lr: float = 3e-4

    def flags(self) -> List[str]:
        """The flags that both sides understand."""
        values = {
            "--arch": self.arch, "--layers": self.layers, "--heads": self.heads, "--dim": self.dim, "--ffn": self.ffn,
            "--vocab-size": self.vocab, "--seq-len": self.seq, "--batch-size": self.batch, "--lr": self.lr,
        }  # fmt: skip
        return [text for flag, value in values.items() for text in (flag, str(value))]

    def write_start(self, folder: Path, steps: int) -> List[str]:
        """Writes a checkpoint and random tokens for all steps; returns the flags that start either side from them."""
        torch.manual_seed(0)
        model = models.build(
            self.arch, vocab=self.vocab, dim=self.dim, layers=self.layers, heads=self.heads, seq=self.seq, ffn=self.ffn
        )
        init, data = folder / f"{self.arch}.safetensors", folder / f"{self.arch}.bin"
        models.save_weights(model, init)
        models.write_tokens(models.random_tokens(steps * self.batch * self.seq + 1, self.vocab, seed=1), data)
        return ["--init", str(init), "--data", str(data)]


@dataclass(frozen=True)
class Candidate:
    """One way to run a workload: how the table calls it, and the flags that say it."""

    label: str
    schedule: str
    stages: int
    microbatches: int
    extra: Tuple[str, ...] = ()

    def flags(self) -> List[str]:
        return [
            "--schedule", self.schedule, "--stages", str(self.stages), "--microbatches", str(self.microbatches),
            *self.extra,
        ]  # fmt: skip


@dataclass(frozen=True)
class Case:
    """PyTorch's candidate, and those of ppthreads that are compared with it."""

    name: str
    title: str
    torch: Candidate
    ours: Tuple[Candidate, ...]


@dataclass(frozen=True)
class Row:
    """What all rounds of one comparison gave: tokens/s of both sides, by round."""

    arch: str
    case: Case
    candidate: Candidate
    torch: List[float]
    ours: List[float]

    @property
    def ratios(self) -> List[float]:
        return [ours / torch for ours, torch in zip(self.ours, self.torch)]


@dataclass(frozen=True)
class Runner:
    """Runs candidates on one workload."""

    workload: Workload
    common: List[str]
    """Flags of every run: where it starts, and how many steps it takes."""
    ppthreads: Path
    transport: str
    timeout: float
    preload: Optional[Path] = None
    """A library that PyTorch's processes load before all others."""

    def run_torch(self, candidate: Candidate) -> JSON:
        command = [sys.executable, str(PIPELINE), *self.workload.flags(), *candidate.flags(), *self.common]
        preload = {"LD_PRELOAD": str(self.preload)} if self.preload else {}
        return report_of(f"PyTorch, {candidate.schedule}", command, self.timeout, {**os.environ, **preload})

    def run_ours(self, candidate: Candidate) -> JSON:
        command = [str(self.ppthreads), "run", *self.workload.flags(), *candidate.flags(), *self.common]
        command += ["--transport", self.transport, "--optimizer", "adam", "--json"]
        return report_of(f"ppthreads, {candidate.schedule}", command, self.timeout)

    def compare(self, case: Case, rounds: int) -> List[Row]:
        """All rounds of a case: PyTorch, then each candidate of ppthreads, and again; who of them is next to PyTorch
        changes from round to round."""
        rows = [Row(self.workload.arch, case, candidate, [], []) for candidate in case.ours]
        for turn in range(rounds):
            theirs = self.run_torch(case.torch)
            first = turn % len(rows)
            for row in rows[first:] + rows[:first]:
                report = self.run_ours(row.candidate)
                check_same_work(f"{row.arch}, {case.name}, {row.candidate.label}", theirs, report)
                row.torch.append(speed(theirs))
                row.ours.append(speed(report))
        return rows


def build_unlocked_mkl(folder: Path) -> Path:
    """Builds mkl_any_cpu.c, with which MKL uses on any CPU what it uses on Intel's."""
    compiler = shutil.which("clang") or shutil.which("cc")
    if compiler is None:
        raise CheckError("--mkl any-cpu needs a C compiler, clang or cc, and there is none on the path")
    library = folder / "mkl_any_cpu.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, HERE / "mkl_any_cpu.c"], check=True)
    return library


def report_of(what: str, command: Sequence[str], timeout: float, environment: Optional[Dict[str, str]] = None) -> JSON:
    """The JSON object that a command prints."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, env=environment)
    except subprocess.TimeoutExpired as error:
        raise CheckError(f"{what}: did not end within {timeout:g} s") from error
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise CheckError(f"{what}: status {done.returncode}: {lines[-1]}")
    try:
        report = json.loads(done.stdout)
    except ValueError as error:
        raise CheckError(f"{what}: printed no JSON object: {error}") from error
    if not isinstance(report, dict):
        raise CheckError(f"{what}: printed JSON, but no object")
    return report


def speed(report: JSON) -> float:
    """Tokens/s over the median step."""
    return float(str(report["tokens_per_s"]))


def check_same_work(what: str, theirs: JSON, report: JSON) -> None:
    """Raises unless both trained the same model on the same tokens to the same losses."""
    for key in SAME_KEYS:
        if theirs.get(key) != report.get(key):
            raise CheckError(f"{what}: {key} is {theirs.get(key)} for PyTorch and {report.get(key)} for ppthreads")
    losses = [[float(loss) for loss in side["loss_history"]] for side in (theirs, report)]  # type: ignore[attr-defined]
    difference = max((abs(left - right) for left, right in zip(*losses)), default=0.0)
    if len(losses[0]) != len(losses[1]) or not difference <= LOSS_LIMIT:
        raise CheckError(f"{what}: losses differ by {difference:.1e}: the two did not do the same work")
