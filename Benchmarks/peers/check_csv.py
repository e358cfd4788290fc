# SPDX-License-Identifier: Apache-2.0
"""Checks that pandas reads a results CSV as it is, and that the reference study's computations on it, which are done here
anew, agree with `ppthreads analyze --summary`. Exits 1 when they do not."""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import pandas

REFERENCE_COLUMNS = [
    "schedule", "world_size", "layers", "heads", "hidden_dim", "seq_len", "batch_size", "microbatches", "threads",
    "avg_step_time_s", "total_time_s", "tokens_per_s", "timestamp",
]
MODEL = ["layers", "heads", "world_size"]
FIGURES = {"tokens": "Tokens per Second", "speedup": "Speedup vs GPipe", "efficiency": "Scaling Efficiency (%)"}
# What the study's runs have in common, and ours need not: its computations are done for each of these apart.
CIRCUMSTANCES = [
    "host", "cpu", "microbatches", "transport", "arch", "hidden_dim", "ffn", "vocab_size", "seq_len", "batch_size",
    "threads", "partition", "recompute", "forward_only", "optimizer", "dropout", "simd", "gemm", "warmup_steps", "measure_steps",
]
# Those that CSVs of earlier formats do not have.
NEWER = ["lr", "seed", "data", "timeline"]


def study(runs):
    """The last of runs that are the same, the speedup over GPipe by model and processes, and it over the processes."""
    circumstances = CIRCUMSTANCES + [name for name in NEWER if name in runs.columns]
    keys = circumstances + MODEL + ["schedule", "virtual_stages"]
    runs = runs.dropna(subset=["tokens_per_s"]).drop_duplicates(keys + ["repeat"], keep="last")
    groups = runs.groupby(keys, dropna=False)["tokens_per_s"].median().rename("tokens").reset_index()
    gpipe = groups[groups.schedule == "gpipe"].drop(columns=["schedule", "virtual_stages"])
    groups = groups.merge(gpipe.rename(columns={"tokens": "gpipe"}), on=circumstances + MODEL, how="left")
    groups["speedup"] = groups.tokens / groups.gpipe
    groups["efficiency"] = groups.speedup / groups.world_size * 100
    return groups, keys


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("csv")
    parser.add_argument("ppthreads")
    arguments = parser.parse_args()
    runs = pandas.read_csv(arguments.csv)
    wrong = []
    if list(runs.columns[:13]) != REFERENCE_COLUMNS:
        wrong.append(f"the first columns are {list(runs.columns[:13])}")
    for name in REFERENCE_COLUMNS[1:12]:
        if not pandas.api.types.is_numeric_dtype(runs[name]):
            wrong.append(f"{name} is {runs[name].dtype}, no number")
    if not set(runs.schedule) <= {"gpipe", "1f1b", "interleaved", "zb-h1"}:
        wrong.append(f"schedules are {sorted(set(runs.schedule))}")
    groups, keys = study(runs)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "summary.csv"
        command = [arguments.ppthreads, "analyze", arguments.csv, "--summary", str(path)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        summary = pandas.read_csv(path).rename(columns={"Processes": "world_size"})
    summary = summary.dropna(subset=[FIGURES["tokens"]])
    both = groups.merge(summary, on=keys, how="outer", indicator=True)
    alone = int((both._merge != "both").sum())
    if alone:
        wrong.append(f"{alone} groups are on one side only")
    for ours, theirs in FIGURES.items():
        a, b = both[ours], both[theirs]
        far = int(((a - b).abs() > 1e-9 * b.abs()).sum() + (a.isna() != b.isna()).sum())
        print(f"{theirs}: {len(both) - far} of {len(both)} groups agree")
        if far:
            wrong.append(f"{theirs} differs in {far} groups")
    failed = int(runs.tokens_per_s.isna().sum())
    print(f"{len(runs)} runs, {failed} of them failed: " + ("; ".join(wrong) or "all agree"))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
