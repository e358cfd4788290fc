#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A run that never was, and what the program has to tell of it, from docs/trace.md, measuring.md and commands.md alone.

    python3 made_up_draw.py > made_up_run.txt          # times of tasks, all different; once
    python3 made_up_run.py > made_up_run.json          # figures from them, which MadeUpRunTests expects
    python3 made_up_table.py > made_up_run.table       # and as a person reads them

It knows nothing of the program. 1F1B on two ranks, three microbatches, a gpt of three layers; a warm-up step, then three
measured ones. Times in nanoseconds. A line of the first file: step, rank, task, then the moments and the losses of TaskTimes
in their order, then how the waits for input and room went; or `start` or `end`, step, rank, moment.
"""
import json
import math
import sys
from pathlib import Path

TASKS = [
    ["F0", "F1", "pack", "B0", "F2", "B1", "B2", "update"],
    ["pack", "F0", "B0", "F1", "B1", "F2", "B2", "update"],
]
WARMUP, STEPS = 1, 4
STOLEN, TRIES = 0.0023, 3
PEAK_BYTES, PEAK_IN_FLIGHT = [777_777, 12_345], [2, 1]
LOSSES = [3.5, 3.25, 3.125, 2.75]
MODEL = {"layers": 3, "heads": 6, "dim": 192, "ffn": 500, "vocab_size": 1003, "seq_len": 40, "batch_size": 12}
BEGAN, ENDED, FIRST = 1_000_000_007, 1_100_123_456, 1_013_579_246
KEYS = ["begin", "received", "ready", "end", "sent", "before", "waiting", "working", "finishing"]


def causes(rank, name):
    """(rank, name) of the tasks whose results a task needs, by its stage, which is its rank."""
    if name[0] == "F":
        return [(0, name)] if rank == 1 else []
    if name[0] == "B":
        return [(rank, "F" + name[1:])] + ([(1, name)] if rank == 0 else [])
    return []


def sender(rank, name):
    return next((cause for cause in causes(rank, name) if cause[0] != rank), None)


def order():
    """All tasks, each behind what it waits for."""
    done, following = [], [0, 0]
    while len(done) < sum(map(len, TASKS)):
        for rank in (0, 1):
            while following[rank] < len(TASKS[rank]):
                name = TASKS[rank][following[rank]]
                if any(cause not in done for cause in causes(rank, name)):
                    break
                done.append((rank, name))
                following[rank] += 1
    return done


def read():
    steps = [{"tasks": {}, "start": {}, "end": {}} for _ in range(STEPS)]
    for line in (Path(__file__).parent / "made_up_run.txt").read_text().splitlines():
        words = line.split()
        if words[0] in ("start", "end"):
            steps[int(words[1])][words[0]][int(words[2])] = int(words[3])
            continue
        step, rank, index = map(int, words[:3])
        task = dict(zip(KEYS, map(int, words[3:12])), input=words[12], room=words[13])
        steps[step]["tasks"][rank, TASKS[rank][index]] = task
    return steps


def past(start, end):
    return max(0, end - start)


def losses(step):
    """For each task, what it lost: before, ready, after."""
    tasks, release, lost = step["tasks"], min(step["start"].values()), {}
    for (rank, name), task in tasks.items():
        index = TASKS[rank].index(name)
        since = tasks[rank, TASKS[rank][index - 1]]["sent"] if index else release
        there, handing_on = task["begin"], 0
        if origin := sender(rank, name):
            sent = tasks[origin]["sent"]
            there = max(there, sent)
            following = TASKS[origin[0]][TASKS[origin[0]].index(origin[1]) + 1]
            handing_on = tasks[origin[0], following]["before"]
            if task["received"] < sent + handing_on:
                handing_on = 0
        task["there"] = there
        lost[rank, name] = (
            min(task["before"], past(since, task["begin"])),
            min(task["waiting"] + handing_on, past(there, task["ready"])),
            min(task["finishing"], past(task["end"], task["sent"])))
        task["handed"] = max(0, past(there, task["received"]) - lost[rank, name][1]) if origin else None
        task["cpu"] = max(0, task["end"] - task["ready"] - task["working"])
    return lost


def replay(durations, lost=None):
    """The length of a replay with and without updates."""
    ends, sent = {}, {}
    for rank, name in order():
        before, ready, after = lost[rank, name] if lost else (0, 0, 0)
        index = TASKS[rank].index(name)
        turned = (sent[rank, TASKS[rank][index - 1]] if index else 0) + before
        inputs = [sent[cause] for cause in causes(rank, name)]
        ends[rank, name] = max([turned] + inputs) + ready + durations[rank, name]
        sent[rank, name] = ends[rank, name] + after
    return max(ends.values()), max(end for (_, name), end in ends.items() if name != "update")


def terms(step):
    tasks, lost = step["tasks"], losses(step)
    release, end = min(step["start"].values()), max(step["end"].values())
    cpu = {key: task["cpu"] for key, task in tasks.items()}
    needed = [sum(cpu[rank, name] for name in TASKS[rank] if name != "update") for rank in (0, 1)]
    ideal, makespan = replay(cpu)
    lossy, _ = replay({key: task["end"] - task["ready"] for key, task in tasks.items()}, lost)
    work = sum(needed) / 2
    values = {
        "work": work, "imbalance": max(needed) - work, "bubble": makespan - max(needed),
        "oversubscription": lossy - ideal, "transport": end - release - lossy, "reduction": 0,
        "optimizer": ideal - makespan}
    kinds = {}
    for (_, name), value in cpu.items():
        kinds.setdefault(name[0], []).append(value)
    _, equal = replay({(rank, name): sum(kinds[name[0]]) / len(kinds[name[0]]) for rank, name in cpu})
    whole = sum(values.values())
    values["step"] = whole
    values["step_if_transport_were_free"] = whole - values["transport"]
    values["step_if_both"] = equal + values["optimizer"] + values["oversubscription"]
    values["step_if_stages_were_equal"] = values["step_if_both"] + values["transport"]
    return {f"{key}_s": value / 1e9 for key, value in values.items()}


def rank_terms(step, rank):
    tasks, lost = step["tasks"], losses(step)
    release, length = min(step["start"].values()), max(step["end"].values()) - min(step["start"].values())
    own = [(name, tasks[rank, name], lost[rank, name]) for name in TASKS[rank]]
    sums = dict.fromkeys(
        ["busy", "updating", "displaced", "waiting_for_input", "receiving", "waiting_for_room", "handing_on", "outside"], 0)
    for index, (name, task, (before, ready, after)) in enumerate(own):
        sums["updating" if name == "update" else "busy"] += task["cpu"]
        sums["displaced"] += before + ready + after + task["end"] - task["ready"] - task["cpu"]
        waiting = past(task["begin"], task["there"])
        sums["waiting_for_input"] += waiting
        sums["receiving"] += task["handed"] or 0
        sums["waiting_for_room"] += task["ready"] - task["begin"] - waiting - (task["handed"] or 0) - ready
        if index == 0:
            sums["outside"] += task["begin"] - release - before
        else:
            between = task["begin"] - own[index - 1][1]["end"] - own[index - 1][2][2] - before
            sums["outside" if name == "update" else "handing_on"] += between
    last = own[-1]
    sums["outside"] += max(step["end"].values()) - last[1]["end"] - last[2][2]
    assert sum(sums.values()) == length, (sums, length)
    actions = [task for name, task, _ in own if name[0] in "FB"]
    inside = [task for _, task, _ in own[:-1] if task["ready"] >= actions[0]["ready"]]
    sums["reducing"] = 0
    sums["idle"] = length - sums["busy"] - sums["displaced"] - sums["updating"]
    sums["idle_inside"] = actions[-1]["end"] - actions[0]["ready"] - sum(task["end"] - task["ready"] for task in inside)
    return {f"{key}_s": value / 1e9 for key, value in sums.items()}


def quantile(values, q):
    """Place q x (count - 1) of the sorted, from 0; between two, their mean in proportion."""
    values = sorted(values)
    place = q * (len(values) - 1)
    low = math.floor(place)
    return values[low] + (place - low) * (values[min(low + 1, len(values) - 1)] - values[low])


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def means(dictionaries):
    return {key: mean(each[key] for each in dictionaries) for key in dictionaries[0]}


def handoffs(steps, origin, receiver):
    items = [step["tasks"][receiver, name] for step in steps for name in TASKS[receiver]
             if sender(receiver, name) and sender(receiver, name)[0] == origin]
    us = [task["handed"] / 1e3 for task in items]
    tokens = MODEL["batch_size"] // 3 * MODEL["seq_len"]
    return {
        "from_stage": origin, "to_stage": receiver, "bytes": tokens * MODEL["dim"] * 4, "count": len(us),
        "us_p50": quantile(us, 0.5), "us_p99": quantile(us, 0.99), "us_max": max(us),
        **{how: sum(task["input"] == how for task in items) for how in ("ready", "spun", "parked")}}, us


def model():
    """Parameters and floating-point operations of matrix products of a microbatch, of the two stages: nanoGPT's layers."""
    d, f, v, s = (MODEL[key] for key in ("dim", "ffn", "vocab_size", "seq_len"))
    layer = 2 * d + d * 3 * d + 3 * d + d * d + d + 2 * d + d * f + f + f * d + d
    parameters = [v * d + s * d + layer, 2 * layer + 2 * d + d * v]
    sequences = MODEL["batch_size"] // 3
    n = sequences * s
    # A product of [a, b] and [b, c] takes 2abc; a backward has two for each of the forward's.
    forward = 2 * n * d * 3 * d + 2 * n * d * d + 2 * 2 * n * d * f + 2 * 2 * sequences * s * s * d
    return parameters, [3 * forward, 3 * (2 * forward + 2 * n * d * v)]


def figures():
    steps = read()
    released = [min(step["start"].values()) for step in steps]
    ends = [max(step["end"].values()) for step in steps]
    lengths = [(end - start) / 1e9 for start, end in zip(released, ends)]
    measured, lengths = steps[WARMUP:], lengths[WARMUP:]
    breakdown = means([terms(step) for step in measured])
    ranks = [means([rank_terms(step, rank) for step in measured]) for rank in (0, 1)]
    (there, there_us), (back, back_us) = handoffs(measured, 0, 1), handoffs(measured, 1, 0)
    parameters, flops = model()
    tokens = MODEL["batch_size"] * MODEL["seq_len"]
    seconds = (ends[-1] - released[WARMUP]) / 1e9
    lost = sum(terms(step)["oversubscription_s"] for step in measured)
    typical = sorted(range(len(lengths)), key=lambda index: lengths[index])[(len(lengths) - 1) // 2]
    return {
        "settings": {
            "schedule": "1f1b", "stages": 2, "microbatches": 3, "threads": 1, "transport": "threads", "arch": "gpt",
            "partition": "uniform", "recompute": False, "forward_only": False, "virtual_stages": 1, "optimizer": "sgd",
            "dropout": 0.125, "warmup_steps": WARMUP, "measure_steps": STEPS - WARMUP, "pin": "auto", "lr": 0.0625,
            "seed": 77, "init": "seed", "timeline": True, "gemm": "builtin", **MODEL},
        "figures": {
            "step_s": lengths, "step_s_median": quantile(lengths, 0.5), "step_s_mean": mean(lengths),
            "step_s_min": min(lengths), "step_s_max": max(lengths), "step_s_p25": quantile(lengths, 0.25),
            "step_s_p75": quantile(lengths, 0.75),
            "step_spread": (quantile(lengths, 0.75) - quantile(lengths, 0.25)) / quantile(lengths, 0.5),
            "tokens_per_s": tokens / quantile(lengths, 0.5),
            "tokens_per_s_delivered": 3 * tokens / seconds, "handoff_us": quantile(there_us + back_us, 0.5),
            "disturbance": lost / sum(lengths), "stolen": STOLEN / (2 * seconds), "tries": TRIES,
            "total_s": (ENDED - BEGAN) / 1e9, "set_up_s": (released[0] - BEGAN) / 1e9,
            "product_flops": 3 * sum(flops), "work_share": [share / sum(flops) for share in flops],
            "parameters": sum(parameters), "weight_bytes": [4 * count for count in parameters],
            "peak_activation_bytes": PEAK_BYTES, "peak_in_flight": PEAK_IN_FLIGHT, "loss_history": LOSSES,
            "loss": LOSSES[-1], "handoff_bytes_copied": 3003, "cpus": [2, None], "bits": "as one stage",
            "layout": "E t | t t H",
            "breakdown": breakdown, "ranks": ranks, "handoffs": [there, back]},
        # What the CSV has under other names, or alone.
        "row": {
            "avg_step_time_s": mean(lengths), "total_time_s": sum(lengths), "tokens_per_s": tokens / mean(lengths),
            "tokens_per_s_median": tokens / quantile(lengths, 0.5),
            "peak_activation_bytes": max(PEAK_BYTES), "peak_in_flight": max(PEAK_IN_FLIGHT),
            **{key: value for key, value in breakdown.items() if not key.startswith("step")}},
        "typical": {"seconds": lengths[typical], "measured_seconds": seconds},
    }


def remarks(all):
    own = all["figures"]
    below = 1 - own["tokens_per_s_delivered"] / own["tokens_per_s"]
    return [
        f"ranks lost their CPUs to others or were stopped: that took {own['disturbance'] * 100:.1f} % of the step in the quietest of {TRIES} "
        "tries and is under oversubscription",
        f"the hypervisor took {own['stolen'] * 100:.1f} % of the ranks' CPUs away (steal)",
        f"delivered were {own['tokens_per_s_delivered']:.0f} tokens/s over the whole measured time: {below * 100:.1f} % below "
        "the median step's because the mean step is longer"]


def notes(all):
    share = all["figures"]["work_share"][1]
    return [
        f"tokens are random: the loss cannot stay below a guess's, ln 1003 = {math.log(1003):.2f}; --data FILE trains on a text",
        f"uniform layers give rank 1 {share * 100:.0f} % of the work (even would be 50 %); --partition balanced cuts finer",
        "rank 1 could not be pinned to CPU 3: sched_setaffinity: EPERM (Operation not permitted)"] + remarks(all)


def main():
    all = figures()
    all["figures"]["notes"] = notes(all)
    all["row"]["notes"] = "; ".join(remarks(all))
    json.dump(all, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
