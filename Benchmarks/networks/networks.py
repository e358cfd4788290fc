#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Schedules across two hosts with slower and slower networks: which wins, where the step goes, and what a replay expects.

Hosts are namespaces of this machine (Tests/MPI/hosts.sh: root, iproute2 and an MPI are needed), bandwidth is shaped there, latency is
injected by ppthreads, after the time that an item takes at that bandwidth. In each round every network and schedule has its turn. Writes
a line of CSV for each run as it ends, and at last a table.
"""

import argparse
import csv
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TERMS = ["work", "imbalance", "bubble", "oversubscription", "transport", "reduction", "optimizer"]
COLUMNS = ["round", "mpi", "rate", "latency", "schedule", "tokens_per_s", "step_s"] + [f"{term}_s" for term in TERMS] + [
    "expected_s"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ppthreads", default=str(ROOT / ".build-mpi/release/ppthreads"), help="built with --traits MPI")
    parser.add_argument("--mpi", choices=["openmpi", "mpich"], default="openmpi")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rates", default="1gbit,100mbit")
    parser.add_argument("--latencies", default="0,0.2ms,2ms")
    parser.add_argument("--schedules", default="gpipe,1f1b,eager-1f1b,interleaved,zb-h1,zb-v")
    parser.add_argument("--out", help="CSV to write")
    parser.add_argument("flags", nargs="*", help="further flags for ppthreads run, after --")
    return parser.parse_args()


def run(options, rate, latency, schedule):
    """The JSON of one run."""
    command = [str(ROOT / "Tests/MPI/hosts.sh"), "--mpi", options.mpi, "--hosts", "2", "--rate", rate, "--"]
    command += [options.ppthreads, "run", "--transport", "mpi", "--schedule", schedule, "--partition", "balanced"]
    command += ["--inject-link", f"{latency},{rate}", "--expect-link", f"{latency},{rate}", "--json"] + options.flags
    ended = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if ended.returncode != 0:
        sys.exit(f"networks.py: {' '.join(command)} ended with {ended.returncode}: {ended.stderr.strip()}")
    return json.loads(ended.stdout)


def row(options, turn, rate, latency, schedule):
    result = run(options, rate, latency, schedule)
    breakdown = result["breakdown"]
    values = {"round": turn, "mpi": options.mpi, "rate": rate, "latency": latency, "schedule": schedule}
    values["tokens_per_s"] = result["tokens_per_s"]
    values["step_s"] = breakdown["step_s"]
    values["expected_s"] = result["expected_step_s"]
    values.update({f"{term}_s": breakdown.get(f"{term}_s", 0) for term in TERMS})
    return values


def table(rows):
    """A line for each network and schedule: medians over the rounds."""
    groups = {}
    for values in rows:
        groups.setdefault((values["rate"], values["latency"], values["schedule"]), []).append(values)
    print("rate     latency schedule      tokens/s    step ms  " + "  ".join(f"{term[:9]:>9}" for term in TERMS) + "   expected")
    errors = []
    for (rate, latency, schedule), group in groups.items():
        def median(key, group=group):
            return statistics.median(float(values[key]) for values in group)
        error = statistics.median(float(values["expected_s"]) / float(values["step_s"]) - 1 for values in group)
        errors.append(abs(error))
        terms = "  ".join(f"{median(term + '_s') * 1000:9.2f}" for term in TERMS)
        print(f"{rate:8} {latency:7} {schedule:12} {median('tokens_per_s'):9.0f}  {median('step_s') * 1000:9.2f}  {terms}   {error * 100:+.1f} %")
    print(f"replays were off by {statistics.median(errors) * 100:.1f} % in the median and {max(errors) * 100:.1f} % at most")


def main():
    options = arguments()
    rows = []
    file = open(options.out or os.devnull, "w", newline="", encoding="utf-8")
    writer = csv.DictWriter(file, COLUMNS)
    writer.writeheader()
    for turn in range(options.rounds):
        for rate in options.rates.split(","):
            for latency in options.latencies.split(","):
                for schedule in options.schedules.split(","):
                    rows.append(row(options, turn, rate, latency, schedule))
                    writer.writerow(rows[-1])
                    file.flush()
                    print(f"round {turn + 1} {rate} {latency} {schedule}: {rows[-1]['step_s'] * 1000:.1f} ms", file=sys.stderr)
    file.close()
    table(rows)


if __name__ == "__main__":
    main()
