#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times `ppthreads analyze` on files of many rows as `sweep` writes them, and tells seconds and peak memory.

Two files: in one, 42 settings have all rows as repeats; in the other, no two rows have the same settings, and one setting
has another value in every row. Peak memory includes the file, which is read as a whole.

    python3 Benchmarks/million_rows.py [ROWS] [--command .build/release/ppthreads] [--keep FOLDER]
"""

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path

HEADER = (
    "schedule,world_size,layers,heads,hidden_dim,seq_len,batch_size,microbatches,threads,avg_step_time_s,total_time_s,"
    "tokens_per_s,timestamp,transport,arch,partition,recompute,forward_only,virtual_stages,ffn,vocab_size,optimizer,"
    "simd,gemm,dropout,warmup_steps,measure_steps,step_s_median,step_s_min,step_s_max,loss,peak_activation_bytes,"
    "work_s,imbalance_s,bubble_s,oversubscription_s,transport_s,optimizer_s,step_s_p25,step_s_p75,handoff_us,"
    "peak_in_flight,repeat,host,cpu,os_cpus,version,format,error"
)
SCHEDULES = ["gpipe", "1f1b", "interleaved"]
RANKS = [1, 2, 4, 8, 16, 32, 64]


def row(number, is_repeat):
    """The settings go through 42 combinations; a dim of its own makes a row's settings like no other's."""
    schedule, ranks = SCHEDULES[number % 3], RANKS[number // 3 % 7]
    transport = "threads" if number // 21 % 2 else "processes"
    dim, repeat = (240, number // 42 + 1) if is_repeat else (240 + number, 1)
    step = 0.3 + (number * 7919 % 100_003) * 1e-6 + 1 / 3e9
    minute, second = number // 60 % 60, number % 60
    return (
        f"{schedule},{ranks},4,8,{dim},64,8,8,1,{step!r},{3 * step!r},{512 / step!r},"
        f"2026-01-01T{number // 3600 % 24:02}:{minute:02}:{second:02}Z,{transport},decoder,uniform,false,false,1,2048,"
        f"10000,adam,avx512,builtin,0.0,1,3,{step!r},{step - 0.001!r},{step + 0.001!r},9.378266,20912640,{step / 2!r},"
        f"{step / 10!r},{step / 5!r},{step / 20!r},{step / 20!r},{step / 10!r},{step!r},{step!r},1.317,15,{repeat},vm,"
        "Intel(R) Xeon(R) Processor,2,0.1.0,1,\n"
    )


def write(path, rows, is_repeat):
    with open(path, "w") as file:
        file.write(HEADER + "\n")
        file.writelines(row(number, is_repeat) for number in range(rows))


def measure(command):
    """Seconds and peak memory in MiB of a command that has to succeed."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    return time.monotonic() - start, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--command", default=str(Path(__file__).parents[1] / ".build/release/ppthreads"))
    parser.add_argument("--keep", help="a folder for the files, which are then not removed")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.keep or temporary)
        for name, is_repeat in [("repeats", True), ("all different", False)]:
            path = folder / f"{name.replace(' ', '_')}.csv"
            write(path, arguments.rows, is_repeat)
            print(f"{name}: {arguments.rows} rows, {path.stat().st_size / 2**20:.0f} MiB")
            outputs = [[], ["--summary", folder / "summary.csv"], ["--html", folder / "page.html"], ["--svg", folder]]
            for flags in outputs:
                seconds, mebibytes = measure([arguments.command, "analyze", str(path), *map(str, flags)])
                print(f"  analyze {flags[0] if flags else '':10} {seconds:6.2f} s {mebibytes:6.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
