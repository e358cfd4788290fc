#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts small bugs into the source, one at a time, and tells which of them the tests find. README.md says more.

    python3 Benchmarks/mutants/mutants.py check
    python3 Benchmarks/mutants/mutants.py run [--sample 20 --seed 1] [--only ID,ID] [--release]
    python3 Benchmarks/mutants/mutants.py report
"""

import argparse
import collections
import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import catalogue
import trials

ROOT = Path(__file__).resolve().parents[2]


def read_results(path):
    """The lines of a results file; half a line at its end, which a kill has left, is passed over."""
    results = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            results.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return results


def add_result(path, result):
    """Adds a line, which is on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result) + "\n"
    if path.exists() and (data := path.read_bytes()) and not data.endswith(b"\n"):
        text = "\n" + text
    with open(path, "a") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def say(text):
    print(text, flush=True)


# Checking


def check(root):
    """Prints what is wrong with the lists."""
    # A test that asks is run on mutated trees too, where a mutant's old text is of course not there.
    if os.environ.get("PPTHREADS_MUTANT"):
        return 0
    lines = catalogue.check(root)
    for line in lines:
        say(line)
    if not lines:
        say(f"{len(catalogue.read_lists(root))} mutants, all of which apply")
    return 1 if lines else 0


# Running


def chosen(root, arguments):
    """The mutants that were asked for, in the lists' order."""
    mutants = catalogue.read_lists(root)
    if arguments.only:
        names = arguments.only.split(",")
        for name in set(names) - {mutant.id for mutant in mutants}:
            raise catalogue.ListError(f"there is no mutant {name}")
        return [mutant for mutant in mutants if mutant.id in names]
    mutants = [mutant for mutant in mutants if mutant.equivalent is None]
    return catalogue.sample(mutants, arguments.sample, arguments.seed) if arguments.sample else mutants


def baseline(tree, mutants, arguments):
    """Runs all tests without a mutant, twice where some fail: these are left out from then on. None when that fails."""
    for old in read_results(arguments.results):
        if old.get("baseline") == tree.commit and old["flags"] == tree.flags.text:
            return old
    say("baseline: building")
    log = tree.log("baseline")
    # A tree with a mutant is not as committed, which the program tells of itself; so is this one.
    with open(tree.folder / mutants[0].file, "a") as file:
        file.write("\n")
    build = tree.build(log)
    if build.code != 0:
        say(f"the tree does not build without a mutant:\n{build.tail()}")
        return None
    excluded = []
    for attempt in range(2):
        tests = tree.test(log, arguments.first_limit, "baseline", excluded=excluded)
        if tests.passed:
            break
        if attempt == 1 or not tests.names:
            say(f"the tests do not pass without a mutant: {tests.reason} ({log})")
            return None
        excluded = tests.names
        say(f"fail without a mutant, and are left out: {', '.join(excluded)}")
    result = {
        "baseline": tree.commit, "flags": tree.flags.text, "excluded": excluded, "seconds": round(tests.seconds, 1)}
    add_result(arguments.results, result)
    return result


def verdict(tree, mutant, known, limit, only_named=False):
    """What becomes of one mutant: a status, who saw it, and which tests failed once but not again."""
    log = tree.log(mutant.id)
    tree.reset()
    tree.put_in(mutant)
    if (build := tree.build(log)).code != 0:
        return "does-not-build", build.tail(5), []
    excluded = known["excluded"]
    if mutant.tests:
        named = tree.test(log, limit, mutant.id, only=mutant.tests, excluded=excluded)
        if not named.passed:
            return "timed-out" if named.timed_out else "killed", named.reason, []
        if named.skipped:
            return "not-tried", "some of its own tests are skipped here", []
    if only_named:
        return "survived", "its own tests", []
    whole = tree.test(log, limit, mutant.id, excluded=excluded)
    if whole.passed:
        return "survived", "", []
    if whole.timed_out or not whole.names:
        return "timed-out" if whole.timed_out else "killed", whole.reason, []
    # Tests that nobody expected to see it may have failed by chance.
    again = tree.test(log, limit, mutant.id, only=whole.names, excluded=excluded)
    if again.passed:
        return "survived", "", whole.names
    return "timed-out" if again.timed_out else "killed", again.reason + " (not one of its tests)", []


def run(root, arguments):
    """Tries the mutants that have no result yet, each as the file and the mutant are now."""
    if lines := catalogue.check(root):
        say("\n".join(lines))
        return 1
    mutants = chosen(root, arguments)
    build, test = trials.RELEASE if arguments.release else trials.DEBUG
    if arguments.flags is not None:
        build = test = shlex.split(arguments.flags)
    commit = subprocess.run(
        ["git", "-C", str(root), "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    if arguments.in_place and subprocess.run(
            ["git", "-C", str(root), "status", "--porcelain"], capture_output=True, text=True).stdout:
        say("--in-place: the folder has changes that are not committed, which would be lost")
        return 1
    tree = trials.Tree(
        root, arguments.work, commit, trials.Flags(build, test), arguments.build_limit, arguments.in_place)
    trials.adopt_orphans()
    tree.prepare()
    if arguments.in_place:
        # Its own tests are taken to pass without it: they have just done so.
        known, done = {"excluded": [], "seconds": 180}, set()
    else:
        known = baseline(tree, mutants, arguments)
        done = {result.get("key") for result in read_results(arguments.results)}
    if known is None:
        return 1
    limit = arguments.limit or 3 * known["seconds"] + 60
    survived = 0
    for number, mutant in enumerate(mutants, 1):
        tree.reset()
        key = None
        try:
            # The clone's text counts: the folder that the lists stand in may have changes that are not committed.
            key = mutant.key(tree.folder, tree.flags.text)
            if key in done:
                continue
            status, by, once = verdict(tree, mutant, known, limit, arguments.named)
        except (catalogue.ListError, OSError) as error:
            status, by, once = "does-not-apply", f"to {commit[:10]}: {error}", []
        survived += status not in ("killed", "timed-out", "not-tried")
        # Of one that its own tests do not see, nothing is known before the others have run; of one not tried, ever.
        if not arguments.in_place and status != "not-tried" and not (arguments.named and status == "survived"):
            add_result(
                arguments.results,
                {"id": mutant.id, "key": key, "status": status, "by": by, "once": once, "flags": tree.flags.text})
        say(f"{number} of {len(mutants)}  {status:14}  {mutant.id}  {by.splitlines()[-1] if by else ''}".rstrip())
    tree.reset()
    return 1 if arguments.named and survived else 0


# Reporting


def latest(root, path):
    """For each mutant its newest result, if that is of the mutant and the file as they are now."""
    known = {}
    for result in read_results(path):
        if "id" in result:
            known[(result["id"], result["key"])] = result
    pairs = []
    for mutant in catalogue.read_lists(root):
        own = [
            result for (name, key), result in known.items()
            if name == mutant.id and key == mutant.key(root, result["flags"])]
        pairs.append((mutant, own[-1] if own else None))
    return pairs


def score(pairs):
    """`12 of 14 (85.7 %)`: those that were seen, of all that build and were tried."""
    tried = [result["status"] for _, result in pairs if result and result["status"] in ("killed", "timed-out", "survived")]
    seen = len(tried) - tried.count("survived")
    return f"{seen} of {len(tried)}" + (f" ({100 * seen / len(tried):.1f} %)" if tried else "")


def report(root, path):
    """Prints the score, by folder too, and each mutant that nobody saw."""
    pairs = latest(root, path)
    counted = [(mutant, result) for mutant, result in pairs if mutant.equivalent is None]
    of = collections.Counter(result["status"] if result else "not run" for _, result in counted)
    others = ", ".join(
        f"{of[status]} {status.replace('-', ' ')}" for status in ("does-not-build", "does-not-apply", "not run") if of[status])
    say(f"killed {score(counted)}, {of['timed-out']} of them by a time-out" + (f"; {others}" if others else ""))
    say(f"{len(pairs) - len(counted)} are known to be equivalent, and do not count\n")
    for folder in sorted({catalogue.folder(mutant) for mutant, _ in counted}):
        say(f"{score([pair for pair in counted if catalogue.folder(pair[0]) == folder]):>20}  {folder}")
    for status, title in [
        ("survived", "survivors"), ("does-not-build", "do not build"), ("does-not-apply", "do not apply")]:
        rows = [(mutant, result) for mutant, result in counted if result and result["status"] == status]
        if rows:
            say(f"\n{title}:")
        for mutant, result in rows:
            once = f" (failed once: {', '.join(result['once'][:2])})" if result["once"] else ""
            say(f"  {mutant.id} in {mutant.file}\n      {mutant.why}{once}")
    return 0


def parsed(words):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="tells which mutants do not fit the tree")
    one = commands.add_parser("run", help="tries mutants that have no result yet")
    two = commands.add_parser("report", help="tells the score and the survivors")
    for command in (one, two):
        command.add_argument("--results", type=Path, help="a line for each mutant [WORK/results.jsonl]")
        command.add_argument("--work", type=Path, help="where the clone and the logs are [ROOT/.build/mutants]")
    one.add_argument("--only", help="names, separated by commas")
    one.add_argument("--sample", type=int, help="so many, spread over the lists")
    one.add_argument("--seed", type=int, default=0, help="of the sample")
    one.add_argument("--release", action="store_true", help="as the README builds and tests; slower to build")
    one.add_argument("--named", action="store_true", help="run no tests but a mutant's own; 1 if one survives them, which is no result")
    one.add_argument("--in-place", action="store_true", help="in this folder, which must be as committed, not in a clone; no results")
    one.add_argument("--flags", help="for swift build and swift test, instead [-Xcc -O2]")
    one.add_argument("--limit", type=float, help="seconds for a run of tests [3 times the baseline's, and a minute]")
    one.add_argument("--first-limit", type=float, default=3600, help="seconds for the baseline's tests")
    one.add_argument("--build-limit", type=float, default=3600, help="seconds for a build")
    arguments = parser.parse_args(words)
    arguments.root = arguments.root.resolve()
    if arguments.command != "check":
        arguments.work = (arguments.work or arguments.root / ".build" / "mutants").resolve()
        arguments.results = (arguments.results or arguments.work / "results.jsonl").resolve()
    return arguments


def main(words):
    arguments = parsed(words)
    # Ended by SIGTERM, it cleans up as for Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        if arguments.command == "check":
            return check(arguments.root)
        if arguments.command == "run":
            return run(arguments.root, arguments)
        return report(arguments.root, arguments.results)
    except catalogue.ListError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
