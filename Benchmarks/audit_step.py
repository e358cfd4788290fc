# SPDX-License-Identifier: Apache-2.0
"""A step of a trace and its tasks, as docs/trace.md tells of them: their graph, their replays and their sums."""
import collections, itertools
from fractions import Fraction

LETTERS = {"forward": "F", "backward": "B", "backward-input": "I", "backward-weights": "W"}
ONWARD = {"F": 1, "B": -1, "I": -1}  # Whom a task hands on to: the next stage, the one before, or nobody.
NAMES = {"packing": ["pack"], "update": ["update"], "reduction": ["share", "sum", "collect"]}
OF_PIPELINE = {*LETTERS, "packing"}
TERMS = ["work", "imbalance", "bubble", "oversubscription", "transport", "reduction", "optimizer"]


def exact(text):
    """A number as it is written; one whose power of ten no time or byte has would take for ever."""
    _, _, power = text.lower().partition("e")
    if len(power) > 4:
        raise ValueError(f"the number {text[:40]}")
    return Fraction(text)


def nanoseconds(microseconds):
    """A time of the trace, a whole number of nanoseconds."""
    time = Fraction(microseconds) * 1000
    if isinstance(microseconds, (bool, str)) or time.denominator != 1 or abs(time) > 10**18:
        raise ValueError
    return int(time)


class Task:
    """A task, its times in nanoseconds."""

    def __init__(self, event):
        args = event["args"]
        self.rank, self.index, self.kind = event["tid"], args["task"], event["cat"]
        self.stage, self.microbatch = args.get("stage"), args.get("microbatch")
        self.start, self.duration = nanoseconds(event["ts"]), nanoseconds(event["dur"])
        self.end = self.start + self.duration
        self.begin, self.received, self.sent, self.cpu, self.before, self.waiting, self.working, self.finishing = (
            nanoseconds(args[name + "_us"]) for name in ("begin", "received", "sent", "cpu", "lost_before",
                                                         "lost_waiting", "lost_working", "lost_finishing"))
        self.input, self.letter = args["input"], LETTERS.get(self.kind)
        self.name = event["name"]
        names = [f"{self.letter}{self.microbatch}"] if self.letter else NAMES[self.kind]
        numbers = [self.rank, self.index] + [self.stage] * (self.kind != "update") + [self.microbatch] * bool(self.letter)
        if self.name not in names or not {self.input, args["room"]} <= {"ready", "spun", "parked"} or \
                any(type(number) is not int for number in numbers):
            raise ValueError
        self.causes, self.senders, self.sender = [], [], None
        self.previous, self.next, self.lost = None, None, None
        self.text = f"task {self.index} of rank {self.rank}"

    def lose(self, release):
        """What the task's losses count for: before its turn, while its input was ready, after its work."""
        there = max(self.begin, self.sender.sent) if self.sender else self.begin
        handing_on = self.sender.next.before if self.sender and self.sender.next else 0
        # An input that was there sooner could be seen before the sender lost its CPU.
        ready = self.waiting + (handing_on if handing_on and self.received >= self.sender.sent + handing_on else 0)
        since = self.previous.sent if self.previous else release
        self.lost = (min(self.before, max(0, self.begin - since)), min(ready, max(0, self.start - there)),
                     min(self.finishing, max(0, self.sent - self.end)))
        self.handed = max(0, self.received - there - self.lost[1]) if self.sender else 0


def none_lost(task):
    """Losses of a task that loses nothing."""
    return 0, 0, 0


class Step:
    """What a trace has of a step."""

    def __init__(self):
        self.release = self.end = self.told = None
        self.tasks, self.ranks, self.waits = [], {}, collections.Counter()

    def link(self, say):
        """Finds causes, senders and neighbours; false where the tasks are not those of a whole step."""
        found = {(task.letter, task.stage, task.microbatch): task for task in self.tasks if task.letter}
        for task in self.tasks:
            self.ranks.setdefault(task.rank, []).append(task)
        for rank, tasks in sorted(self.ranks.items()):
            tasks.sort(key=lambda task: task.index)
            if [task.index for task in tasks] != list(range(len(tasks))):
                return say(f"tasks of rank {rank} are not numbered one by one")
            for task, following in zip(tasks, tasks[1:]):
                task.next, following.previous = following, task
        letters, self.stages, microbatches = ({key[place] for key in found} for place in range(3))
        forwards = [task for task in self.tasks if task.letter == "F"]
        self.copies = max(1, len(self.stages) * len(microbatches) // max(1, len(forwards)))
        self.stages_of_copy = max(1, len(self.stages) // self.copies)
        through = {(task.microbatch, self.copy(task.stage)) for task in forwards}
        wanted = ((letter, stage, microbatch) for letter in letters for microbatch, copy in through
                  for stage in range(copy * self.stages_of_copy, (copy + 1) * self.stages_of_copy))
        if len(through) != len(microbatches) or len(self.stages) != self.copies * self.stages_of_copy or \
                {copy for _, copy in through} != set(range(self.copies)) or \
                {key[1] for key in found} != set(range(len(self.stages))) or \
                {key[2] for key in found} != set(range(len(microbatches))):
            return say("not every microbatch goes through one copy of the stages")
        if letters not in ({"F"}, set("FB"), set("FIW")) or set(wanted) != set(found) or \
                len(found) != sum(task.letter is not None for task in self.tasks):
            return say("not every microbatch has each of its forwards and backwards once")
        self.last = "BW" if len(letters) > 1 else "F"  # After which a microbatch's memory is free.
        self.home = {task.stage: task.rank for task in found.values()}
        updates = [task.rank for task in self.tasks if task.kind == "update" and task.next is None]
        if any(task.rank != self.home.get(task.stage, task.rank) for task in self.tasks):
            return say("a stage is on two ranks")
        if sorted(updates) != sorted(self.ranks if self.last == "BW" else []) or \
                len(updates) != sum(task.kind == "update" for task in self.tasks):
            return say("not every rank ends with one update")
        for (letter, stage, microbatch), task in found.items():
            keys = {"F": [("F", stage - 1)], "B": [("F", stage), ("B", stage + 1)],
                    "I": [("F", stage), ("I", stage + 1)], "W": [("I", stage)]}[letter]
            task.causes = [found[key + (microbatch,)] for key in keys if key + (microbatch,) in found]
        if not self.link_reductions():
            return say("not every stage that has copies has each part of their sum once")
        for task in self.tasks:
            task.senders = [cause for cause in task.causes if cause.rank != task.rank]
            task.sender = max(task.senders, key=lambda sender: sender.sent, default=None)
        for task in self.tasks:
            task.lose(self.release)
        return True

    def copy(self, stage):
        """The copy of the stages that one is of."""
        return stage // self.stages_of_copy

    def link_reductions(self):
        """Finds the causes of parts of sums over copies; false where these are not all there."""
        parts = {(task.name, task.stage): task for task in self.tasks if task.kind == "reduction"}
        ends = {stage for stage in self.stages if (stage + 1) % self.stages_of_copy == 0}
        wanted = itertools.product(("share", "sum", "collect"), self.stages) if self.last == "BW" else \
            itertools.product(("share", "sum"), ends)
        for (name, stage), task in parts.items():
            before = {"sum": "share", "collect": "sum"}.get(name)
            others = [other for other in self.stages if other != stage and (other - stage) % self.stages_of_copy == 0]
            task.causes = [parts[before, other] for other in others if (before, other) in parts] if before else []
        return set(parts) == (set(wanted) if self.copies > 1 else set()) and \
            len(parts) == sum(task.kind == "reduction" for task in self.tasks)

    def replay(self, duration, losses):
        """The length of the step if no task started later than it had to, without updates, and without sums over copies too;
        None in a circle."""
        ends, sent, heads = {}, {None: 0}, [tasks[0] for tasks in self.ranks.values()]
        while heads:
            task = next((head for head in heads if all(cause in sent for cause in head.causes)), None)
            if task is None:
                return None
            before, ready, after = losses(task)
            turned = sent[task.previous] + before
            ends[task] = max([turned] + [sent[cause] for cause in task.causes]) + ready + duration(task)
            sent[task] = ends[task] + after
            heads.remove(task)
            heads += [task.next] if task.next else []
        return max(ends.values()), max(end for task, end in ends.items() if task.kind != "update"), \
            max(end for task, end in ends.items() if task.kind in OF_PIPELINE)

    @staticmethod
    def exchanged(task):
        """A task's losses, with what hand-offs between copies took."""
        before, ready, after = task.lost
        if task.kind == "reduction":
            ready += task.handed
        if task.previous and task.previous.kind == "reduction":
            before = max(0, task.begin - task.previous.sent)
        return before, ready, after

    def work_out(self, audit, name):
        """The terms, in nanoseconds, held against those in the trace."""
        ideal, lossy = self.replay(lambda task: task.cpu, none_lost), self.replay(lambda task: task.duration, lambda task: task.lost)
        if ideal is None:
            return audit.say(f"{name}: tasks wait for each other in a circle")
        pipeline, exchanged = ideal[2], lossy[0]
        if self.copies > 1:
            pipeline = self.replay(lambda task: task.cpu if task.kind in OF_PIPELINE else 0, none_lost)[2]
            exchanged = self.replay(lambda task: task.duration, self.exchanged)[0]
        needed = [sum(task.cpu for task in tasks if task.kind in OF_PIPELINE) for tasks in self.ranks.values()]
        work = Fraction(sum(needed), len(needed))
        self.terms = dict(zip(TERMS, (work, max(needed) - work, pipeline - max(needed), lossy[0] - ideal[0],
                                      self.end - self.release - exchanged,
                                      ideal[1] - pipeline + exchanged - lossy[0], ideal[0] - ideal[1])))
        for term in TERMS:
            audit.equal(f"{name}, {term} in ns", self.terms[term], self.told[term])
            if self.terms[term] < 0:
                audit.say(f"{name}, {term} is negative")
        return audit.equal(f"{name}, sum of the terms in ns", self.end - self.release, sum(self.told.values()))

    def check(self, say):
        """Whether times, losses and waits of the tasks fit together."""
        for task in self.tasks:
            times = [task.previous.sent if task.previous else self.release, task.begin, task.received, task.start,
                     task.end, task.sent]
            if times != sorted(times):
                say(f"times of {task.text} are not in order, or overlap those of the task before")
            if any(task.start < cause.end for cause in task.causes) or task.sender and task.received < task.sender.sent:
                say(f"{task.text} is earlier than its cause")
            if all(cause.stage == task.stage for cause in task.causes) and task.received != task.begin:
                say(f"{task.text} receives nothing, but received_us is not begin_us")
            if (task.sent != task.end or task.finishing) and not self.neighbour(task) and task.name not in ("share", "sum"):
                say(f"{task.text} hands on nothing, but sent_us is not the end of its work, or it lost time until then")
            if min(task.before, task.waiting, task.working, task.finishing) < 0:
                say(f"a loss of {task.text} is negative")
            if task.cpu != max(0, task.duration - task.working):
                say(f"cpu_us of {task.text} is not dur less lost_working_us")
        orders = collections.defaultdict(list)
        for task in itertools.chain(*self.ranks.values()):
            orders[task.letter, task.stage].append(task.microbatch or 0)
        if any(order != sorted(order) for order in orders.values()):
            say("microbatches do not ascend")
        rooms = {(task.rank, task.received): task.start for task in self.tasks}
        if any(end > rooms.get((rank, start), -1) for name, rank, start, end in self.waits if name == "no room"):
            say("a wait for room is not within the wait of a task")
        wanted = collections.Counter(("no input", task.rank, task.begin, task.received)
                                     for task in self.tasks if task.received > task.begin)
        if wanted != {wait: number for wait, number in self.waits.items() if wait[0] == "no input"}:
            say("waits for input are not from begin_us to received_us")
        return self.end == max(task.end for task in self.tasks) or say("it does not end with its last task")

    def neighbour(self, task):
        """The stage that a task hands on to, in a set; an empty one where there is none."""
        return self.neighbours(task.stage, ONWARD[task.letter]) if task.letter in ONWARD else set()

    def neighbours(self, stage, *steps):
        """The stages so many further on, where they are of the same copy."""
        return {stage + step for step in steps if stage + step in self.stages and self.copy(stage + step) == self.copy(stage)}

    def equal_stages(self):
        """The step if each task took what its kind takes on average over stages, and transport were free."""
        kinds = collections.defaultdict(list)
        for task in self.tasks:
            kinds[task.kind].append(task.cpu)
        means = {kind: Fraction(sum(times), len(times)) for kind, times in kinds.items() if kind in OF_PIPELINE}
        makespan = self.replay(lambda task: means.get(task.kind, 0), none_lost)[2]
        return makespan + self.terms["optimizer"] + self.terms["reduction"] + self.terms["oversubscription"]

    def shares(self, rank):
        """What a rank did with the step, in nanoseconds, and how many microbatches it held at most."""
        sums, held, peak = collections.Counter(), 0, 0
        for task in self.ranks[rank]:
            before, ready, after = task.lost
            waited = max(0, task.sender.sent - task.begin) if task.sender else 0
            handed_on = task.previous.end + task.previous.lost[2] if task.previous else self.release
            sums[{"update": "updating", "reduction": "reducing"}.get(task.kind, "busy")] += task.cpu
            sums["displaced"] += before + ready + task.duration - task.cpu + after
            sums["waiting_for_input"] += waited
            sums["receiving"] += task.handed
            sums["waiting_for_room"] += task.start - task.begin - waited - task.handed - ready
            is_inside = task.previous and task.kind != "update"
            sums["handing_on" if is_inside else "outside"] += task.begin - handed_on - before
            peak = max(peak, held + (task.letter == "F"))
            held += (task.letter == "F") - (task.letter is not None and task.letter in self.last)
        sums["outside"] += self.end - task.end - after
        sums["idle"] = self.end - self.release - sums["busy"] - sums["reducing"] - sums["displaced"] - sums["updating"]
        actions = [task for task in self.ranks[rank] if task.letter]
        inside = [task for task in self.ranks[rank] if actions[0].index <= task.index <= actions[-1].index]
        sums["idle_inside"] = actions[-1].end - actions[0].start - sum(task.duration for task in inside)
        return sums, peak
