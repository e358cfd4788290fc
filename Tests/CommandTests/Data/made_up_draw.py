#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the times of the tasks of the run that made_up_run.py tells of. Every length, delay and loss is another one."""
import random

from made_up_run import FIRST, KEYS, STEPS, TASKS, order, sender


def main():
    dice = random.Random(66)
    release = FIRST
    for step in range(STEPS):
        slow = [6, 1.35, 1, 1.7][step]
        starts = [release + dice.randrange(300, 900), release]
        times = {}
        for rank, name in order():
            before = times.get((rank, TASKS[rank].index(name) - 1))
            task = dict.fromkeys(KEYS, 0)
            task["begin"] = (before["sent"] if before else starts[rank]) + dice.randrange(700, 4000)
            origin = sender(rank, name)
            task["input"] = task["room"] = "ready"
            task["received"] = task["begin"]
            if origin:
                handed = times[origin[0], TASKS[origin[0]].index(origin[1])]["sent"]
                task["input"] = "ready" if handed < task["begin"] else dice.choice(["spun", "parked", "parked"])
                task["received"] = max(task["begin"], handed) + dice.randrange(200, 30_000)
            task["ready"] = task["received"] + dice.randrange(20, 90)
            if name in ("F1", "F2") and rank == 0:
                task["room"] = "spun"
                task["ready"] += dice.randrange(2_000, 9_000)
            length = {"F": 1_100_000, "B": 2_300_000, "p": 210_000, "u": 640_000}[name[0]]
            length = int(length * (1.0 if rank == 0 else 1.4) * slow * dice.uniform(0.8, 1.2))
            task["working"] = dice.randrange(6_000, 260_000) if dice.random() < 0.4 else 0
            task["end"] = task["ready"] + length + task["working"]
            hands_on = name[0] == "F" and rank == 0 or name[0] == "B" and rank == 1
            task["finishing"] = dice.randrange(5_000, 40_000) if hands_on and dice.random() < 0.5 else 0
            task["sent"] = task["end"] + (task["finishing"] + dice.randrange(100, 700) if hands_on else 0)
            task["waiting"] = dice.randrange(5_000, 60_000) if dice.random() < 0.5 else 0
            task["before"] = dice.randrange(5_000, 60_000) if dice.random() < 0.2 else 0
            times[rank, TASKS[rank].index(name)] = task
        for rank in (0, 1):
            print("start", step, rank, starts[rank])
            for index in range(len(TASKS[rank])):
                task = times[rank, index]
                print(step, rank, index, *(task[key] for key in KEYS), task["input"], task["room"])
            print("end", step, rank, times[rank, len(TASKS[rank]) - 1]["end"])
        release = max(times[rank, 7]["end"] for rank in (0, 1)) + [90_001, 512_345, 1_800_019, 0][step]


if __name__ == "__main__":
    main()
