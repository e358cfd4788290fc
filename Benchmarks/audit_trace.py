#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Works out all figures of a run's steps anew, from what docs/trace.md says and from nothing else of ppthreads.

    audit_trace.py TRACE.json [RUN.json]               audits a trace of `run --trace`, and the report of `run --json`
    audit_trace.py --runs N --program PATH [--seed S]  makes N runs with random settings and audits each

Exit code 0 where everything agrees, 1 on any difference, 64 for wrong usage, 65 for a file that is no trace or report.
"""
import argparse, collections, json, os, random, shutil, subprocess, sys, tempfile
from fractions import Fraction

sys.dont_write_bytecode = True
from audit_step import TERMS, Step, Task, exact, nanoseconds

HALF = Fraction(1, 2)  # Figures in nanoseconds that differ by less are equal.


class Unreadable(Exception):
    """A file that is not what it should be."""


class Audit:
    """The differences that were found, and the largest one between two figures, small ones included."""

    def __init__(self):
        self.found, self.worst = [], Fraction(0)

    def say(self, text):
        """Adds a difference."""
        self.found.append(text)
        return False

    def equal(self, what, worked_out, told):
        """Compares a figure with the program's."""
        difference = abs(Fraction(worked_out) - Fraction(told))
        self.worst = max(self.worst, difference)
        return difference < HALF or self.say(f"{what}: {float(worked_out):.12g} worked out, {float(told):.12g} told")


def load(path):
    """The JSON object in a file, its numbers exact."""
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file, parse_float=exact)
    except (OSError, ValueError, RecursionError) as error:
        raise Unreadable(f"{path}: {error}") from None
    return value if isinstance(value, dict) else {}


def add(event, steps, arrows, counters, tracks):
    """Sorts one event of a trace in."""
    phase, name, args = event["ph"], event["name"], event.get("args", {})
    if event["pid"] != 0:
        raise ValueError("another process")
    step = steps[int(args["step"])] if "step" in args else None
    if phase == "M" and args["name"] == f"rank {event['tid']}" and event["tid"] not in tracks:
        tracks.add(event["tid"])
    elif phase == "i" and name == "released" and step.release is None:
        step.release = nanoseconds(event["ts"])
    elif phase == "i" and name == "step end" and step.end is None:
        step.end, step.told = nanoseconds(event["ts"]), {term: Fraction(args[term + "_us"]) * 1000 for term in TERMS}
    elif phase == "X" and event["cat"] == "wait" and name in ("no input", "no room"):
        start = nanoseconds(event["ts"])
        step.waits[name, event["tid"], start, start + nanoseconds(event["dur"])] += 1
    elif phase == "X":
        step.tasks.append(Task(event))
    elif phase in ("s", "f") and name == "hand-off" and phase not in arrows[event["id"]]:
        arrows[event["id"]][phase] = event["tid"], nanoseconds(event["ts"])
    elif phase == "C":
        counters[name].append((nanoseconds(event["ts"]), args["items" if "stage" in name else "bytes"]))
    else:
        raise ValueError


def read(path):
    """The steps of a trace in their order, its arrows by id, and its counters by name."""
    events = load(path).get("traceEvents")
    if not isinstance(events, list):
        raise Unreadable(f"{path}: is not a trace")
    steps, arrows, counters, tracks = *(collections.defaultdict(kind) for kind in (Step, dict, list)), set()
    for number, event in enumerate(events, 1):
        try:
            add(event, steps, arrows, counters, tracks)
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
            raise Unreadable(f"{path}: event {number} is not one that docs/trace.md tells of") from None
    for number, step in steps.items():
        if step.release is None or step.end is None or {task.rank for task in step.tasks} != tracks:
            raise Unreadable(f"{path}: step {number} lacks its release, its end, or the tasks of a rank")
    if not steps:
        raise Unreadable(f"{path}: has no steps")
    return dict(sorted(steps.items())), arrows, counters


def check_arrows(steps, arrows, say):
    """Whether there is an arrow from each sender's end to its receiver's start, and no other."""
    wanted = collections.Counter((sender.rank, sender.end, task.rank, task.start)
                                 for step in steps for task in step.tasks for sender in task.senders)
    there = collections.Counter(arrow.get("s", (-1, -1)) + arrow.get("f", (-1, -1)) for arrow in arrows.values())
    for rank, end, receiver, start in (wanted - there) + (there - wanted):
        say(f"hand-off from rank {rank} at {end} ns to {receiver} at {start} ns: an arrow without tasks or the reverse")


def check_counters(steps, counters, say):
    """Whether counters rise and fall where tasks take and leave what they count, and end where they began."""
    changes, steps = collections.defaultdict(list), list(steps)
    for step in steps:
        def edge(start, end):
            kind = "ring" if step.home[start] != step.home[end] else "local slots"
            return changes[f"{kind} from stage {start} to {end}"]
        for task in step.tasks:
            memory = changes[f"rank {task.rank} activation bytes"]
            memory += [(task.start, 1, task.letter + str(task.stage))] if task.letter in ("F", "I") else []
            for following in step.neighbour(task):
                edge(task.stage, following).append((task.sent, 1, 0))
            if task.letter and task.letter in step.last:
                memory.append((task.end, -1, f"end{task.stage}"))
                for other in step.neighbours(task.stage, -1, *([1] if step.last == "BW" else [])):
                    edge(other, task.stage).append((task.end, -1, 0))
    for name in sorted(set(changes) | set(counters)):
        events, amounts = counters.get(name, []), {} if "bytes" in name else {0: 1}
        base = events[0][1] if "bytes" in name and events and events[0][0] == steps[0].release else 0
        events = events[1:] if base else events
        before = [base] + [value for _, value in events]
        told = sorted((time, value - last) for (time, value), last in zip(events, before))
        wanted = sorted(changes[name])
        if [time for time, _ in told] != [time for time, *_ in wanted]:
            say(f"{name}: changes {len(told)} times, tasks {len(wanted)} times, and not at the same moments")
        elif any(change != sign * amounts.setdefault(kind, abs(change))
                 for (_, change), (_, sign, kind) in zip(told, wanted)):
            say(f"{name}: does not change by what tasks take and leave")
        ends = {stage[3:]: amount for stage, amount in amounts.items() if str(stage).startswith("end")}
        if any(amount != amounts["F" + stage] + amounts.get("I" + stage, 0) for stage, amount in ends.items()):
            say(f"{name}: a microbatch leaves not what it took")
        if min(before) < base or before[-1] != base:
            say(f"{name}: falls below where it began, or does not end there")


def percentile(values, part):
    """The value in a place of sorted values, between two of them in proportion."""
    place = (len(values) - 1) * Fraction(part)
    low, high = values[int(place)], values[min(int(place) + 1, len(values) - 1)]
    return low + (high - low) * (place - int(place))


def compare(report, steps, counters, audit):
    """Holds what `run --json` reported against the steps of the trace."""
    def equal(what, worked_out, seconds, unit=10**9):
        audit.equal(f"{what} in ns" if unit > 1 else what, worked_out, Fraction(seconds) * unit)

    def mean(values):
        return Fraction(sum(values)) / len(steps)
    all_steps, breakdown = list(steps.values()), report["breakdown"]
    for number, step in steps.items():
        equal(f"step {number}, step_s", step.end - step.release, report["step_s"][number - report["warmup_steps"]])
    equal("the last step", number, report["warmup_steps"] + len(report["step_s"]) - 1, 1)
    means = {term: mean(step.terms[term] for step in all_steps) for term in TERMS}
    both = mean(step.equal_stages() for step in all_steps)
    means |= {"step": sum(means.values()), "step_if_both": both, "step_if_stages_were_equal": both + means["transport"]}
    means["step_if_transport_were_free"] = means["step"] - means["transport"]
    for name, value in means.items():
        equal(f"breakdown, {name}_s", value, breakdown[name + "_s"])
    for rank, told in enumerate(report["ranks"]):
        sums, peaks = zip(*(step.shares(rank) for step in all_steps))
        for name, seconds in told.items():
            equal(f"rank {rank}, {name}", mean(sum_[name[:-2]] for sum_ in sums), seconds)
        equal(f"rank {rank}, peak_in_flight", max(peaks), report["peak_in_flight"][rank], 1)
        held = max(bytes_ for _, bytes_ in counters[f"rank {rank} activation bytes"])
        equal(f"rank {rank}, peak_activation_bytes", held, report["peak_activation_bytes"][rank], 1)
    receivers = sorted((task for step in all_steps for task in step.tasks if task.sender and task.letter),
                       key=lambda task: task.handed)
    edges = collections.defaultdict(list)
    for task in receivers:
        edges[task.sender.stage, task.stage].append(task)
    told = {(edge["from_stage"], edge["to_stage"]): edge for edge in report["handoffs"]}
    for edge in sorted(set(edges) | set(told)):
        name, times = f"hand-offs from stage {edge[0]} to {edge[1]}", [task.handed for task in edges[edge]]
        equal(f"{name}, count", len(times), told[edge]["count"], 1)
        for key, part in ("us_p50", "0.5"), ("us_p99", "0.99"), ("us_max", 1):
            equal(f"{name}, {key}", percentile(times, part), told[edge][key], 1000)
        for way in "ready", "spun", "parked":
            equal(f"{name}, {way}", sum(task.input == way for task in edges[edge]), told[edge][way], 1)
    if receivers:
        equal("handoff_us", percentile([task.handed for task in receivers], "0.5"), report["handoff_us"], 1000)


def audit_files(trace, report=None):
    """Audits a trace, and the report of its run if that is there; with the trace's numbers of steps and of ranks."""
    audit, (steps, arrows, counters) = Audit(), read(trace)
    previous, sound = None, set(steps) == set(range(min(steps), max(steps) + 1)) or audit.say("a step is missing")
    for number, step in steps.items():
        def say(text):
            return audit.say(f"step {number}: {text}")
        if step.release < previous if previous is not None else step.release != 0:
            say("the release is not after the step before, or the first one is not the origin")
        previous = step.end
        if step.link(say):
            step.check(say)
            step.work_out(audit, f"step {number}")
        sound = sound and hasattr(step, "terms")
    if sound:
        check_arrows(steps.values(), arrows, audit.say)
        check_counters(steps.values(), counters, audit.say)
        try:
            compare(load(report), steps, counters, audit) if report else None
        except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise Unreadable(f"{report}: is not what `run --json` printed ({error!r})") from None
    return audit, len(steps), len(step.ranks)


def draw(choose):
    """The flags of a run, drawn at random, and those that make its model a small one."""
    schedule = choose.choice(["gpipe", "1f1b", "interleaved", "zb-h1", "chimera"])
    microbatches, replicas = choose.randint(1, 8), choose.choice([1, 1, 1, 2, 3])
    flags = {"--schedule": schedule, "--transport": choose.choice(["threads", "processes", "sockets", "unix"]),
             "--stages": choose.randint(1, 4), "--microbatches": microbatches}
    flags |= {"--virtual-stages": 2} if schedule == "interleaved" else {}
    flags |= {"--replicas": replicas} if replicas > 1 else {}
    for flag, value, part in (("--recompute", None, 0.25), ("--partition", "balanced", 0.3), ("--arch", "gpt", 0.3),
                              ("--forward-only", None, 0.2), ("--threads", 2, 0.2), ("--pin", "0,0", 0.25)):
        flags |= {flag: value} if choose.random() < part else {}
    model = {"--layers": choose.choice([4, 8, 9]), "--heads": 2, "--dim": 16, "--ffn": 24, "--vocab-size": 31,
             "--seq-len": 5, "--batch": microbatches * replicas * choose.randint(1, 2), "--warmup": 1,
             "--measure": choose.randint(1, 12)}
    return flags, [word for pair in {**flags, **model}.items() for word in map(str, pair) if word != "None"]


def audit_run(program, words, trace, report):
    """Makes one run and audits it; the audit, the number of its steps, and why the program refused it."""
    with open(report, "wb") as file:
        try:
            run = subprocess.run([program, "run", *words, "--json", "--trace", trace], stdin=subprocess.DEVNULL,
                                 stdout=file, stderr=subprocess.PIPE, text=True, timeout=300)
        except subprocess.TimeoutExpired:
            run = subprocess.CompletedProcess([], -1, stderr="it took longer than five minutes")
    audit, steps = Audit(), 0
    try:
        if run.returncode == 0:
            audit, steps, _ = audit_files(trace, report)
        elif run.returncode != 64:
            audit.say(f"exit code {run.returncode}: {run.stderr.strip()}")
    except Unreadable as error:
        audit.say(str(error))
    return audit, steps, run.stderr.strip() if run.returncode == 64 else None


def audit_runs(program, count, seed):
    """Makes runs, audits each, and prints what they covered and what was found; whether nothing was."""
    choose, folder, covered, refused = random.Random(seed), tempfile.mkdtemp(prefix="audit-"), collections.Counter(), []
    made, steps_in_all, differing, worst = 0, 0, 0, Fraction(0)
    while made < count and len(refused) <= 3 * count:
        flags, words = draw(choose)
        trace, report = (os.path.join(folder, f"{made}-{name}.json") for name in ("trace", "run"))
        audit, steps, refusal = audit_run(program, words, trace, report)
        if refusal is not None:
            refused.append(refusal)
            continue
        made, steps_in_all, found, worst = made + 1, steps_in_all + steps, audit.found, max(worst, audit.worst)
        if found:
            differing += 1
            print(f"run {made}: {' '.join(words)}", *found[:10], f"{trace}: {len(found)} differences", sep="\n  ")
        else:
            os.remove(trace), os.remove(report)
        covered.update(flags.items())
    for flag in dict.fromkeys(flag for flag, _ in sorted(covered, key=str)):
        values = sorted((value, number) for (name, value), number in covered.items() if name == flag and value)
        print(f"{flag:17}", ", ".join(f"{value}: {number}" for value, number in values) or covered[flag, None])
    print(f"{made} runs, {steps_in_all} steps, {len(refused)} settings refused by the program; {differing} runs with "
          f"differences; the largest difference between two figures is {float(worst):.2g} ns")
    for reason, number in collections.Counter(refused).items():
        print(f"  refused {number} times: {reason}")
    if not differing:
        shutil.rmtree(folder)
    return not differing and made == count


def main():
    """The command; its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="FILE", help="TRACE.json, and RUN.json")
    parser.add_argument("--runs", type=int, metavar="N")
    parser.add_argument("--program", metavar="PATH", default=".build/release/ppthreads")
    parser.add_argument("--seed", type=int, default=0)
    parser.error = lambda text: (print(f"audit_trace.py: {text}", file=sys.stderr), sys.exit(64))
    arguments = parser.parse_args()
    if (arguments.runs is None) == (not 1 <= len(arguments.files) <= 2):
        parser.error("takes a trace, and the report of its run; or --runs N")
    if arguments.runs is not None and not os.access(arguments.program, os.X_OK):
        parser.error(f"--program: {arguments.program} cannot be run")
    try:
        if arguments.runs is not None:
            return 0 if audit_runs(arguments.program, arguments.runs, arguments.seed) else 1
        audit, steps, ranks = audit_files(*arguments.files)
    except Unreadable as error:
        print(f"audit_trace.py: {error}", file=sys.stderr)
        return 65
    print(*(audit.found or [f"{steps} steps, {ranks} ranks: all terms equal to the nanosecond"]), sep="\n")
    return 1 if audit.found else 0


if __name__ == "__main__":
    sys.exit(main())
