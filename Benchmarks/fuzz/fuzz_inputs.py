#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Changes files that ppthreads reads at random, has the command read each, and checks what it does.

Each try has to end by itself, within its time and 4 GiB of memory, with exit code 0, 64, 65 or 70; with at most 21 lines on
standard error, each of which begins with `ppthreads`; and with no control character on standard output or standard error. Of
schedules, a refusal has to say where in the file it found what is wrong. An input for which that does not hold is kept, and told of with the command that reads it. The same seed tries the same
changes. Exits with 1 when anything was found.

    python3 Benchmarks/fuzz/fuzz_inputs.py [--kind csv,sweep] [--count 100000] [--command .build/release/ppthreads]
"""

import argparse
import collections
import multiprocessing
import os
import random
import re
import signal
import sys
import tempfile
import time
from pathlib import Path

from kinds import KINDS
from mutations import mutated
from runner import Runner, build_fork_server

CODES = {0, 64, 65, 70}
LINES_MAX = 21
CONTROLS = [range(0x00, 0x0A), range(0x0B, 0x20), range(0x7F, 0xA0)]
HIDDEN = {character for characters in CONTROLS for character in characters}
HIDDEN |= {0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
"""Characters that act on a terminal rather than show, but for the end of a line."""


def fault(outcome, refusal=None):
    """What is wrong with a try's outcome; None when nothing is.

    refusal: a regular expression for what the message of wrong data has."""
    if outcome.status is None:
        return "hangs"
    if os.WIFSIGNALED(outcome.status):
        return signal.Signals(os.WTERMSIG(outcome.status)).name
    if os.WEXITSTATUS(outcome.status) not in CODES:
        return f"exit code {os.WEXITSTATUS(outcome.status)}"
    lines = outcome.errors.decode("utf-8", "backslashreplace").splitlines()
    if len(lines) > LINES_MAX:
        return f"{len(lines)} lines on standard error"
    if any(not line.startswith(("ppthreads", "no fit ")) for line in lines):
        return "a line on standard error that does not begin with ppthreads"
    if os.WEXITSTATUS(outcome.status) != 0 and not lines:
        return "nothing on standard error"
    if refusal and os.WEXITSTATUS(outcome.status) == 65 and not re.search(refusal, outcome.errors):
        return "a refusal that says too little"
    for name, stream in [("output", outcome.output), ("error", outcome.errors)]:
        if any(ord(character) in HIDDEN for character in stream.decode("utf-8", "surrogateescape")):
            return f"a control character on standard {name}"
    return None


def work(job):
    """One worker's share of the tries: counts of their exit codes, and what was found."""
    options, kind_name, kind, part = job
    codes, found = collections.Counter(), []
    with tempfile.TemporaryDirectory(dir=options.scratch, prefix="fuzz-") as folder:
        runners = []
        for number, (name, words) in enumerate(kind.commands):
            own = Path(folder) / str(number)
            own.mkdir()
            paths = {"FILE": str(own / name), "FOLDER": str(own)}
            words = [paths.get(word, word.replace("FOLDER", str(own))) for word in words]
            runners.append((own / name, Runner([options.command, *words], own, options.seconds, options.library)))
        for number in range(options.first + part, options.first + options.count, options.jobs):
            generator = random.Random(f"{options.seed} {kind_name} {number}")
            data = mutated(generator.choice(kind.seeds), generator, kind.seeds, kind.changes)
            path, runner = runners[number % len(runners)]
            path.write_bytes(data)
            outcome = runner.run()
            wrong = fault(outcome, kind.refusal)
            codes[wrong or os.WEXITSTATUS(outcome.status)] += 1
            if wrong:
                kept = Path(options.keep) / f"{kind_name}-{options.seed}-{number}-{path.name}"
                kept.write_bytes(data)
                shown = [word.replace(str(path), str(kept)) for word in runner.words]
                found.append((wrong, shown, outcome.errors[:300]))
        for _, runner in runners:
            runner.close()
    return codes, found


def fuzz(options, name):
    """All tries of a kind; whether nothing was found."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory(dir=options.scratch, prefix="fuzz-") as folder:
        kind = KINDS[name](options.command, folder)
    with multiprocessing.Pool(options.jobs) as pool:
        parts = pool.map(work, [(options, name, kind, part) for part in range(options.jobs)], chunksize=1)
    codes, found = sum((part[0] for part in parts), collections.Counter()), [each for part in parts for each in part[1]]
    counts = ", ".join(f"{count} with {code}" for code, count in sorted(codes.items(), key=str))
    print(f"{name}: {options.count} inputs in {time.monotonic() - start:.0f} s: {counts}", flush=True)
    for wrong, words, errors in found[: options.show]:
        print(f"  {wrong}: {' '.join(words)}\n      {errors!r}")
    if len(found) > options.show:
        print(f"  and {len(found) - options.show} more; all inputs are in {options.keep}")
    return not found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", default=",".join(KINDS), help="kinds of files, separated by commas")
    parser.add_argument("--count", type=int, default=100_000, help="inputs of each kind")
    parser.add_argument("--first", type=int, default=0, help="number of the first input: to go on, or to try one again")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--command", default=str(Path(__file__).parents[2] / ".build/release/ppthreads"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, default=20, help="that an input may take")
    parser.add_argument("--plain", action="store_true", help="a process for each input, instead of a fork of one")
    parser.add_argument("--keep", help="a folder for inputs that were found; a new one in /tmp unless given")
    parser.add_argument("--show", type=int, default=20, help="how many of them to tell of")
    options = parser.parse_args()
    options.command = str(Path(options.command).resolve())
    unknown = set(options.kind.split(",")) - set(KINDS)
    if unknown or not Path(options.command).exists():
        parser.error(f"no kind {', '.join(unknown)}" if unknown else f"no command {options.command}: build it first")
    options.scratch = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    made_keep = not options.keep
    options.keep = options.keep or tempfile.mkdtemp(prefix="fuzz-found-")
    os.makedirs(options.keep, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        options.library = None if options.plain else build_fork_server(folder)
        passed = [fuzz(options, name) for name in options.kind.split(",")]
    if made_keep and all(passed):
        os.rmdir(options.keep)
    sys.exit(0 if all(passed) else 1)


if __name__ == "__main__":
    main()
