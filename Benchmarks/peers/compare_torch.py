#!/usr/bin/env python3
"""Compares the speed of `ppthreads run` with PyTorch's own pipeline (torch_pipeline.py), on the same work.

Candidates take turns, A B A B ..., and a ratio is taken within a round: on shared machines whole runs drift by tens of
percent, which a ratio of neighbours survives. Both sides start from one checkpoint and read one file of tokens, and a
comparison counts only while their losses agree: then both did the same work.

Prints a markdown table. Exits 1 when a side fails or the losses differ, each with one line.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, NoReturn, Optional, Sequence, Tuple

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


# ---- Cases ----


def ours(label: str, schedule: str, stages: int, microbatches: int, partition: str) -> Candidate:
    """A candidate of ppthreads."""
    return Candidate(label, schedule, stages, microbatches, ("--partition", partition))


def all_cases() -> List[Case]:
    """Every case, in the table's order."""
    alone = Candidate("one process, one thread", "none", 1, 4)
    cases = [Case("p1", "P=1, M=4", alone, (ours("one rank", "1f1b", 1, 4, "uniform"),))]
    for stages, microbatches in ((2, 4), (4, 8)):
        for schedule in SCHEDULES:
            candidates = [ours(cut, schedule, stages, microbatches, cut) for cut in ("uniform", "balanced")]
            title = f"P={stages}, M={microbatches}, {schedule}"
            theirs = Candidate("pipeline", schedule, stages, microbatches)
            cases.append(Case(f"p{stages}-{schedule}", title, theirs, tuple(candidates)))
    return [*cases, two_cores()]


def two_cores() -> Case:
    """What each side does best with two cores: PyTorch without a pipeline, ppthreads with one of two balanced ranks, or
    without a pipeline too: two threads that share the work."""
    plain = Candidate("one process, two threads", "none", 1, 1, ("--threads", "2"))
    ways = [(schedule, 4) for schedule in SCHEDULES] + [("zb-h1", 4), ("1f1b", 8), ("zb-h1", 8)]
    labels = [f"P=2, M={count}, {schedule}, balanced" for schedule, count in ways]
    candidates = [ours(label, way[0], 2, way[1], "balanced") for label, way in zip(labels, ways)]
    threads = ("--threads", "2")
    candidates += [
        Candidate(f"P=1 of two threads, M={count}", "gpipe", 1, count, threads) for count in (1, 4)
    ]
    return Case("two-cores", "PyTorch without a pipeline: 2 threads, whole batch", plain, tuple(candidates))


# ---- Running ----


@dataclass(frozen=True)
class Runner:
    """Runs candidates on one workload."""

    workload: Workload
    common: List[str]
    """Flags of every run: where it starts, and how many steps it takes."""
    ppthreads: Path
    transport: str
    timeout: float
    preload: Optional[Path]
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


# ---- Reporting ----


def with_quartiles(values: Sequence[float]) -> str:
    """The median and quartiles of ratios; of one, itself."""
    middle = f"x{statistics.median(values):.2f}"
    if len(values) < 2:
        return middle
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{middle} [{low:.2f}, {high:.2f}]"


def table(rows: Sequence[Row]) -> str:
    """The markdown table."""
    lines = [
        "| model | case | PyTorch, tokens/s | ppthreads | tokens/s | ppthreads / PyTorch |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        theirs, own = (f"{statistics.median(side):.0f}" for side in (row.torch, row.ours))
        cells = [row.arch, row.case.title, theirs, row.candidate.label, own, with_quartiles(row.ratios)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


# ---- The command line ----


def parse(arguments: Optional[Sequence[str]]) -> argparse.Namespace:
    """Reads the command line."""
    names = [case.name for case in all_cases()]
    parser = argparse.ArgumentParser(
        description="Compares tokens/s of ppthreads and of PyTorch's own pipeline on the same work, in alternation.",
        epilog=f"Cases: {', '.join(names)}.",
    )
    parser.add_argument("--ppthreads", type=Path, required=True, metavar="PATH", help="the binary")
    parser.add_argument(
        "--arch", nargs="+", choices=models.ARCHITECTURES, default=list(models.ARCHITECTURES), help="(default: both)"
    )
    parser.add_argument("--case", nargs="+", choices=names, default=names, metavar="NAME", help="(default: all)")
    parser.add_argument("--rounds", type=models.positive, default=5, metavar="N", help="(default: 5)")
    parser.add_argument("--steps", type=models.positive, default=10, metavar="N", help="measured a run (default: 10)")
    parser.add_argument("--warmup", type=models.positive, default=3, metavar="N", help="steps before them (default: 3)")
    parser.add_argument("--transport", choices=("threads", "processes"), default="threads", help="of ppthreads")
    parser.add_argument(
        "--mkl", choices=("as-shipped", "any-cpu"), default="as-shipped",
        help="PyTorch's: as it is, which on CPUs that are not Intel's means AVX2, or with all that the CPU has",
    )  # fmt: skip
    parser.add_argument("--timeout", type=models.positive_real, default=300.0, metavar="SECONDS", help="of one run")
    return parser.parse_args(arguments)


def compare(options: argparse.Namespace) -> List[Row]:
    """Runs all cases that were asked for; tells on standard error how far it is."""
    rows: List[Row] = []
    steps = ["--warmup-steps", str(options.warmup), "--measure-steps", str(options.steps)]
    with tempfile.TemporaryDirectory(prefix="compare_torch.") as folder:
        preload = build_unlocked_mkl(Path(folder)) if options.mkl == "any-cpu" else None
        for arch in options.arch:
            workload = Workload(arch)
            start = workload.write_start(Path(folder), options.warmup + options.steps)
            ppthreads = options.ppthreads.resolve()
            runner = Runner(workload, start + steps, ppthreads, options.transport, options.timeout, preload)
            for case in (case for case in all_cases() if case.name in options.case):
                rows += (new := runner.compare(case, options.rounds))
                for row in new:
                    print(f"{arch}, {case.name}, {row.candidate.label}: {with_quartiles(row.ratios)}", file=sys.stderr)
    return rows


def interrupt(number: int, _: object) -> NoReturn:
    """Turns a signal into an exception, so that the running side is ended on the way out."""
    raise CheckError(f"interrupted by {signal.Signals(number).name}")


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Compares and prints the table; returns the exit status."""
    options = parse(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    try:
        rows = compare(options)
    except (CheckError, OSError, KeyError, TypeError, ValueError, subprocess.CalledProcessError) as error:
        print(f"compare_torch: {error}", file=sys.stderr)
        return 1
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
