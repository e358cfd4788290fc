#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rows of a results CSV with unequal numbers, and what `analyze` has to make of them, from docs/commands.md and measuring.md.

    python3 made_up_results.py rows > made_up_results.csv
    python3 made_up_results.py work > made_up_results.json     # for each group, what a summary and the table have
"""
import csv
import json
import math
import random
import statistics
import sys
from pathlib import Path

TERMS = ["work", "imbalance", "bubble", "oversubscription", "transport", "optimizer"]
HEADER = (
    "schedule,world_size,layers,heads,hidden_dim,microbatches,threads,avg_step_time_s,total_time_s,tokens_per_s,timestamp,"
    "transport,virtual_stages," + ",".join(f"{term}_s" for term in TERMS) + ",repeat,host,cpu,error").split(",")
# Schedule, P, repeats. Those of ZB-H1 on four ranks are others than its GPipe's.
GROUPS = [
    ("gpipe", 1, range(1, 6)), ("gpipe", 2, range(1, 8)), ("1f1b", 2, range(1, 8)), ("gpipe", 3, range(1, 7)),
    ("1f1b", 3, range(1, 7)), ("gpipe", 4, range(1, 6)), ("1f1b", 4, range(1, 6)), ("zb-h1", 4, range(2, 7))]


def rows():
    dice = random.Random(7)
    lines = []
    for schedule, ranks, repeats in GROUPS:
        for repeat in repeats:
            tokens = round(900 * ranks ** 0.8 * {"gpipe": 1, "1f1b": 1.17, "zb-h1": 1.31}[schedule] * dice.uniform(0.7, 1.4), 3)
            # Not the tokens of a step over tokens/s: each figure is a column of its own.
            step, total = round(dice.uniform(0.2, 0.9), 7), round(dice.uniform(2, 5), 5)
            terms = [round(step * share * dice.uniform(0.5, 1.5), 6) for share in (0.55, 0.06, 0.2, 0.03, 0.09, 0.07)]
            lines.append([schedule, ranks, 4, 6, 240, 8, 1, step, total, tokens, "2026-01-01T00:00:00Z", "threads", 1, *terms,
                          repeat, "box", "cpu", ""])
    dice.shuffle(lines)
    print(",".join(HEADER))
    for line in lines:
        print(",".join(map(str, line)))


def ratio(above, below):
    """Of tokens/s: the median of those within repeats, or of other repeats the ratio of the medians."""
    if above is below:
        return 1.0
    if set(above) == set(below):
        return math.exp(statistics.median(math.log(above[repeat] / below[repeat]) for repeat in above))
    # Of an even number of values there are two middles, and which mean of them counts is not said.
    if len(above) % 2 == 0 or len(below) % 2 == 0:
        return None
    return statistics.median(above.values()) / statistics.median(below.values())


def name(schedule, ranks):
    """On one stage a schedule changes nothing, and is not named."""
    return "one stage" if ranks == 1 else {"gpipe": "GPipe", "1f1b": "1F1B", "zb-h1": "ZB-H1"}[schedule]


def tokens_text(value):
    return f"{value:.1f}" if value < 1000 else f"{round(value):,}".replace(",", " ")


def work():
    groups = {}
    with open(Path(__file__).parent / "made_up_results.csv") as file:
        for row in csv.DictReader(file):
            groups.setdefault((row["schedule"], int(row["world_size"])), []).append(row)
    tokens = {key: {row["repeat"]: float(row["tokens_per_s"]) for row in group} for key, group in groups.items()}
    result = []
    for (schedule, ranks), group in groups.items():
        own = tokens[schedule, ranks]
        speedup, alone = ratio(own, tokens["gpipe", ranks]), ratio(own, tokens["gpipe", 1])
        terms = {term: statistics.mean(float(row[f"{term}_s"]) for row in group) for term in TERMS}
        summary = {
            "Tokens per Second": statistics.median(own.values()),
            "Average Step Time (s)": statistics.median(float(row["avg_step_time_s"]) for row in group),
            "Total Time (s)": statistics.median(float(row["total_time_s"]) for row in group),
            "Speedup vs GPipe": speedup, "Scaling Efficiency (%)": speedup / ranks * 100, "Runs": len(group),
            **{f"{term}_s": value for term, value in terms.items()}}
        if alone is not None:
            summary["True Efficiency (%)"] = alone / ranks * 100
        whole = sum(terms.values())
        cells = ["4L-6H", str(ranks), "8", "threads", name(schedule, ranks),
                 str(len(group)), tokens_text(summary["Tokens per Second"]), f"{summary['Average Step Time (s)'] * 1e3:.2f}",
                 f"{speedup:.3f}", "?" if alone is None else f"{alone / ranks * 100:.1f} %", f"{speedup / ranks * 100:.1f} %"]
        cells += [f"{terms[term] / whole * 100:.1f}" for term in TERMS[1:]]
        result.append({"schedule": schedule, "ranks": ranks, "summary": summary, "cells": cells})
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    {"rows": rows, "work": work}[sys.argv[1]]()
