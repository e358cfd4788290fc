#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Transports on one machine, in turns: threads, processes, MPI (with rings and without), sockets, and PyTorch over gloo.

Prints a markdown table: tokens/s and their ratio to threads' of the same round, the median hand-off, and the transport's share of a
step. PyTorch takes part where --python names one that has it (Benchmarks/peers/README.md); its trained work is the same.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
from typing import Dict, List, Sequence

ROOT = pathlib.Path(__file__).resolve().parents[2]
GLOO = "PyTorch, gloo"


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ppthreads", default=str(ROOT / ".build-mpi/release/ppthreads"), help="built with --traits MPI")
    parser.add_argument("--mpirun", default="mpirun", help="the launcher of the MPI that it was built with")
    parser.add_argument("--transports", default="threads,processes,mpi,mpi-only,unix,sockets")
    parser.add_argument("--python", help="an interpreter with PyTorch")
    parser.add_argument("--schedule", default="1f1b")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("flags", nargs="*", help="further flags for ppthreads run, after --")
    return parser.parse_args()


def environment() -> Dict[str, str]:
    """Open MPI wants to be told that root is meant."""
    return {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def command(options: argparse.Namespace, name: str) -> List[str]:
    """What runs a candidate."""
    if name == GLOO:
        script = ROOT / "Benchmarks/peers/torch_pipeline.py"
        return [options.python, str(script), "--schedule", options.schedule, "--stages", "2"]
    run = [options.ppthreads, "run", "--json", "--schedule", options.schedule, "--transport", name, *options.flags]
    return [options.mpirun, "-n", "2", *run] if name.startswith("mpi") else run


def measure(options: argparse.Namespace, name: str) -> dict:
    """The JSON of one run."""
    words = command(options, name)
    ended = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False, env=environment())
    if ended.returncode != 0:
        sys.exit(f"one_machine.py: {' '.join(words)} ended with {ended.returncode}: {ended.stderr.strip()}")
    return json.loads(ended.stdout[ended.stdout.index("{"):])


def spread(values: Sequence[float], form: str) -> str:
    """Median and quartiles; of one, itself."""
    middle = format(statistics.median(values), form)
    if len(values) < 2:
        return middle
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{middle} [{format(low, form)}, {format(high, form)}]"


def handoff(result: dict) -> float:
    """The median over edges of their medians, in microseconds."""
    return statistics.median(edge["us_p50"] for edge in result["handoffs"])


def main() -> None:
    """Runs all rounds and prints the table."""
    options = arguments()
    names = options.transports.split(",") + ([GLOO] if options.python else [])
    results: Dict[str, List[dict]] = {name: [] for name in names}
    for turn in range(options.rounds):
        for name in names:
            results[name].append(measure(options, name))
            print(f"round {turn + 1} {name}: {results[name][-1]['tokens_per_s']:.0f} tokens/s", file=sys.stderr)
    first = results[names[0]]
    print(f"| transport | tokens/s | x {names[0]} | hand-off p50, us | transport, % of the step |")
    print("| --- | --- | --- | --- | --- |")
    for name in names:
        rates = [result["tokens_per_s"] for result in results[name]]
        ratios = [rate / other["tokens_per_s"] for rate, other in zip(rates, first)]
        cells = [name, spread(rates, ".0f"), spread(ratios, ".3f"), "", ""]
        if name != GLOO:
            terms = [result["breakdown"] for result in results[name]]
            cells[3] = spread([handoff(result) for result in results[name]], ".1f")
            cells[4] = spread([term["transport_s"] / term["step_s"] * 100 for term in terms], ".2f")
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
