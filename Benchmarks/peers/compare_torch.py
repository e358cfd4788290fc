#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the speed of `ppthreads run` with PyTorch's own pipeline (torch_pipeline.py), on the same work.

Candidates take turns, A B A B ..., and a ratio is taken within a round: on shared machines whole runs drift by tens of
percent, which a ratio of neighbours survives. Both sides start from one checkpoint and read one file of tokens, and a
comparison counts only while their losses agree: then both did the same work.

Prints a markdown table. Exits 1 when a side fails or the losses differ, each with one line.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import List, NoReturn, Optional, Sequence

import torch_models as models
from comparing import CheckError
from side_by_side import SCHEDULES, Candidate, Case, Row, Runner, Workload, build_unlocked_mkl

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
    candidates += [Candidate(f"P=1 of two threads, M={count}", "gpipe", 1, count, threads) for count in (1, 4)]
    return Case("two-cores", "PyTorch without a pipeline: 2 threads, whole batch", plain, tuple(candidates))


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
