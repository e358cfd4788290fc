#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What one step without warm-up says about schedules: the reference study's way of measuring, over and over.

In every round, each schedule is run once by PyTorch and once by ppthreads, for one step from a cold start and for the median
of ten steps after three others. The table has how far the same run lies from itself, and which schedule would have been
declared the fastest how often.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import torch_models as models
from comparing import CheckError
from side_by_side import SCHEDULES, Candidate, Runner, Workload, speed


@dataclass(frozen=True)
class Way:
    """How a run is measured."""

    title: str
    warmup: int
    steps: int

    def flags(self) -> List[str]:
        return ["--warmup-steps", str(self.warmup), "--measure-steps", str(self.steps)]


WAYS = (Way("one step, cold", 0, 1), Way("ten steps after three", 3, 10))
SIDES = ("PyTorch", "ppthreads")


@dataclass
class Figures:
    """Tokens/s of each schedule, by round."""

    rounds: Dict[str, List[float]] = field(default_factory=lambda: {schedule: [] for schedule in SCHEDULES})

    @property
    def wins(self) -> str:
        turns = zip(*(self.rounds[schedule] for schedule in SCHEDULES))
        won = Counter(SCHEDULES[max(range(len(turn)), key=turn.__getitem__)] for turn in turns)
        return ", ".join(f"{schedule} {won[schedule]}" for schedule in SCHEDULES)

    def cells(self) -> List[str]:
        cells = []
        for schedule in SCHEDULES:
            values = self.rounds[schedule]
            cells.append(f"{statistics.median(values):.0f} ({min(values):.0f} to {max(values):.0f})")
        return cells


def measure(ppthreads: Path, workload: Workload, stages: int, rounds: int, timeout: float) -> Dict[str, List[Figures]]:
    """All rounds: for each side, the figures of each way."""
    microbatches = 2 * stages
    figures = {side: [Figures() for _ in WAYS] for side in SIDES}
    with tempfile.TemporaryDirectory(prefix="single_step.") as folder:
        start = workload.write_start(Path(folder), max(way.warmup + way.steps for way in WAYS))
        for turn in range(rounds):
            for number, way in enumerate(WAYS):
                runner = Runner(workload, start + way.flags(), ppthreads.resolve(), "threads", timeout)
                first = turn % len(SCHEDULES)
                for schedule in SCHEDULES[first:] + SCHEDULES[:first]:
                    candidate = Candidate(schedule, schedule, stages, microbatches)
                    for side, run in zip(SIDES, (runner.run_torch, runner.run_ours)):
                        figures[side][number].rounds[schedule].append(speed(run(candidate)))
            print(f"round {turn + 1} of {rounds}", file=sys.stderr)
    return figures


def table(figures: Dict[str, List[Figures]]) -> str:
    """The markdown table."""
    lines = [
        "| | measured | " + " | ".join(f"{schedule}, tokens/s" for schedule in SCHEDULES) + " | fastest in rounds |",
        "| --- " * (len(SCHEDULES) + 3) + "|",
    ]
    for side in SIDES:
        for way, figure in zip(WAYS, figures[side]):
            lines.append(f"| {' | '.join([side, way.title, *figure.cells(), figure.wins])} |")
    return "\n".join(lines)


def parse(arguments: Optional[Sequence[str]]) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="What one step without warm-up says about schedules.")
    parser.add_argument("--ppthreads", type=Path, required=True, metavar="PATH", help="the binary")
    parser.add_argument("--heads", type=models.positive, default=4, metavar="N", help="of the decoder (default: 4)")
    parser.add_argument("--stages", type=models.positive, default=2, metavar="N", help="ranks (default: 2)")
    parser.add_argument("--rounds", type=models.positive, default=10, metavar="N", help="(default: 10)")
    parser.add_argument("--timeout", type=models.positive_real, default=300.0, metavar="SECONDS", help="of one run")
    return parser.parse_args(arguments)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Measures and prints the table; returns the exit status."""
    options = parse(arguments)
    workload = Workload("decoder", heads=options.heads)
    try:
        print(table(measure(options.ppthreads, workload, options.stages, options.rounds, options.timeout)))
    except (CheckError, OSError, KeyError, ValueError) as error:
        print(f"single_step: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
