#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table that `run` has to print of the run that made_up_run.py tells of; MEMORY stands for what it says of memory."""
from made_up_run import LOSSES, PEAK_BYTES, PEAK_IN_FLIGHT, figures, notes


def grouped(value):
    return f"{round(value):,}".replace(",", " ")


def ms(seconds):
    return f"{seconds * 1e3:.2f} ms"


def size(count):
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "bytes" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1024
    raise ValueError


def columns(rows, leading):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) if column < leading else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(row, widths))]
        yield "  ".join(cells).rstrip()


MEANINGS = {
    "work": "mean over ranks of the CPU time inside tasks", "imbalance": "work of the busiest rank beyond the mean",
    "bubble": "waits that the order makes, hand-offs aside", "oversubscription": "time that ranks were without their CPU",
    "transport": "what hand-offs add", "optimizer": "what updates add"}


def main():
    all = figures()
    own, terms = all["figures"], all["figures"]["breakdown"]
    print(f"gpt 3L-6H, {grouped(own['parameters'])} parameters; 1F1B on threads, P=2, M=3, uniform partition, portable kernels, "
          "dropout 0.125\n")
    print(f"tokens/s   {grouped(own['tokens_per_s'])}   (480 tokens a step, median step; "
          f"{grouped(own['tokens_per_s_delivered'])} delivered over the measured time)")
    print(f"step       {ms(own['step_s_median'])} median; quartiles {ms(own['step_s_p25'])} to {ms(own['step_s_p75'])}, range "
          f"{ms(own['step_s_min'])} to {ms(own['step_s_max'])} (3 steps after 1 of warm-up)")
    print(f"products   {own['product_flops'] / 1e9:.1f} GFLOP a step, {own['product_flops'] / 1e9 / own['step_s_median']:.1f} "
          "GFLOP/s over all ranks")
    print(f"layout     {own['layout']}")
    print(f"loss       {LOSSES[-1]} at the last step, {LOSSES[0]} at the first")
    print("memory     MEMORY")
    print(f"time       {own['total_s']:.2f} s in all, {own['set_up_s']:.2f} s of them before the first step\n")
    print(f"mean step         {ms(terms['step_s']):>10}")
    for term, meaning in MEANINGS.items():
        part = f"{terms[term + '_s'] / terms['step_s'] * 100:.1f} %"
        print(f"{term:<16}  {ms(terms[term + '_s']):>10}  {part:>7}  {meaning}")
    print(f"the step would be {ms(terms['step_if_transport_were_free_s'])} if hand-offs cost nothing, "
          f"{ms(terms['step_if_stages_were_equal_s'])} if stages were equal, {ms(terms['step_if_both_s'])} if both; "
          f"{ms(terms['step_s'] - terms['oversubscription_s'])} if ranks had had their CPUs")
    waits = [terms[term + "_s"] / terms["step_s"] * 100 for term in ("imbalance", "bubble")]
    busiest = max((0, 1), key=lambda rank: own["ranks"][rank]["busy_s"])
    equal = terms["step_if_both_s"] - terms["oversubscription_s"] - terms["optimizer_s"]
    print(f"ranks idle for {sum(waits):.1f} % of the step in the mean: {waits[0]:.1f} % because rank {busiest} has the most work "
          f"(imbalance), {waits[1]:.1f} % because of the order, in which that one waits too (bubble)")
    print(f"of equal stages all of it would be the order's: {(1 - terms['work_s'] / equal) * 100:.1f} % of a step without updates; "
          f"the formula for that says {(1 - 3 / (3 + 2 - 1)) * 100:.1f} %\n")
    keys = ["busy", "displaced", "waiting_for_input", "receiving", "waiting_for_room", "handing_on", "updating", "outside",
            "idle_inside", "idle"]
    header = ["rank, ms", "busy", "displaced", "no input", "receiving", "no room", "handing on", "update", "outside",
              "idle inside", "idle in all"]
    rows = [[str(rank)] + [f"{rank_terms[key + '_s'] * 1e3:.2f}" for key in keys]
            for rank, rank_terms in enumerate(own["ranks"])]
    print("\n".join(columns([header] + rows, 1)) + "\n")
    rows = [[f"stage {edge['from_stage']} to {edge['to_stage']}", grouped(edge["bytes"])]
            + [f"{edge[key]:.2f} us" for key in ("us_p50", "us_p99", "us_max")]
            + [f"{edge[key] / edge['count'] * 100:.0f} %" for key in ("ready", "spun", "parked")] for edge in own["handoffs"]]
    header = ["hand-off", "bytes", "p50", "p99", "max", "there", "spun for", "slept for"]
    print("\n".join(columns([header] + rows, 1)) + "\n")
    header = ["rank", "stages", "holds", "CPU", "share", "weights", "activations", "in flight"]
    rows = [[str(rank), str(rank), holds, cpu, f"{own['work_share'][rank] * 100:.0f} %", size(own["weight_bytes"][rank]),
             size(PEAK_BYTES[rank]), str(PEAK_IN_FLIGHT[rank])]
            for rank, holds, cpu in [(0, "embedding .. h.0 feed-forward", "2"), (1, "h.1 attention .. head", "any (refused)")]]
    print("\n".join(columns([header] + rows, 3)))
    for note in notes(all):
        print(f"\nnote: {note}")


if __name__ == "__main__":
    main()
