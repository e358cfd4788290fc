# SPDX-License-Identifier: Apache-2.0
"""Builds and tests a tree with one mutant in it, each command with a time limit after which nothing of it is left running."""

import ctypes
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import xml.etree.ElementTree as XML
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    """What a command of ours has started and left becomes our child, so that it can be found."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants():
    """All processes that this one has started, or that those have."""
    children = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, queue = [], [os.getpid()]
    while queue:
        own = children.get(queue.pop(), [])
        found += own
        queue += own
    return found


def end_descendants(within=20.0):
    """Ends all of them, whatever groups and sessions they are in, and collects them."""
    deadline = time.monotonic() + within
    while (left := descendants()) and time.monotonic() < deadline:
        for process in left:
            try:
                os.kill(process, signal.SIGKILL)
            except OSError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            pass
        time.sleep(0.02)


@dataclass
class Outcome:
    """How a command ended: its code, or None when it took too long."""

    code: int | None
    seconds: float
    log: Path
    failure: str | None = None
    """The test that it was ended for."""

    @property
    def timed_out(self):
        return self.code is None and self.failure is None

    def tail(self, lines=15):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


FAILURE = re.compile(r"^\S+ Test (.+?) recorded an issue", re.MULTILINE)
"""What Swift Testing prints at once where a test does not see what it expects."""
SKIPPED = re.compile(r"^\S+ (?:Test|Suite) .+ skipped[.:]", re.MULTILINE)
"""What it prints of a test that needs what this machine has not, such as control groups to make."""


def wait(process, limit, log, start):
    """Until a process ends or a test of it fails, which is answered; for so many seconds at most."""
    deadline = time.monotonic() + limit
    while True:
        try:
            process.wait(min(0.25, max(0, deadline - time.monotonic())))
            return None
        except subprocess.TimeoutExpired:
            if found := FAILURE.search(Path(log).read_bytes()[start:].decode(errors="replace")):
                return found[1]
            if time.monotonic() >= deadline:
                raise


def run_limited(command, folder, limit, log, extra=None, to_first_failure=False):
    """Runs a command to its end, or for so many seconds; its output goes to a file. Nothing of it runs afterwards."""
    temporary = tempfile.mkdtemp(prefix="mutants-")
    os.chmod(temporary, 0o1777)
    environment = {**os.environ, "TMPDIR": temporary, **(extra or {})}
    start = time.monotonic()
    process = failure = None
    try:
        with open(log, "ab") as output:
            output.write(f"$ {' '.join(command)}\n".encode())
            output.flush()
            process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment,
                start_new_session=True)
            try:
                failure = wait(process, limit, log, output.tell()) if to_first_failure else None
                code = None if failure else process.wait(limit)
            except subprocess.TimeoutExpired:
                code = None
    finally:
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()
        end_descendants()
        shutil.rmtree(temporary, ignore_errors=True)
    return Outcome(code, time.monotonic() - start, Path(log), failure)


@dataclass
class Flags:
    """How a tree is built and tested."""

    build: list
    test: list
    skipped: list = field(default_factory=lambda: ["TidyTests"])
    """Tests of the text itself: a mutant that they see is none that a user would."""

    @property
    def text(self):
        return " ".join([*self.build, "|", *self.test])


DEBUG = (["-Xcc", "-O2"], ["-Xcc", "-O2"])
"""Quick to build again; kernels are optimized, as the rest of the tests would wait for them."""
RELEASE = (["-c", "release"], ["-c", "release", "--disable-testable-imports"])
"""As the README has it: all tests hold there, those that count allocations too."""


def failures(report):
    """The tests that failed by an xUnit file of Swift Testing's, or of XCTest's, such as `PipelineTests.RunTests/seeds()`."""
    names = []
    for path in [report.with_name(f"{report.stem}-swift-testing.xml"), report]:
        try:
            cases = XML.parse(path).iter("testcase")
        except (OSError, XML.ParseError):
            continue
        for case in cases:
            if case.find("failure") is not None or case.find("error") is not None:
                name = f"{case.get('classname')}/{case.get('name')}"
                if name not in names:
                    names.append(name)
    return names


def crash(log):
    """What a test process said when it ended before its report: nothing is known of the test then."""
    for line in reversed(log.read_text(errors="replace").splitlines()):
        if re.search(r"Fatal error|unexpected signal|Segmentation fault|exited with", line):
            return line.strip()[:200]
    return "the tests ended without a report"


def pattern(name):
    """A test, suite or target as a regular expression that no longer name matches."""
    return re.escape(name) + ("$|" + re.escape(name) + "/" if "/" in name else r"[./]")


@dataclass
class Tests:
    """What a run of some tests showed."""

    passed: bool
    timed_out: bool
    names: list
    """Of tests that failed, as far as they are known."""
    reason: str
    seconds: float
    skipped: bool
    """Whether some of them were not run, as this machine has not what they need."""


class Tree:
    """A clone that mutants are put into, one after the other."""

    def __init__(self, root, work, commit, flags, build_limit, in_place=False):
        """In place, mutants are put into the folder that the script stands in, with what was built there."""
        self.root, self.work, self.commit, self.flags = Path(root), Path(work), commit, flags
        self.build_limit, self.in_place = build_limit, in_place
        self.folder = self.root if in_place else self.work / "tree"
        self.logs = self.work / "logs"
        self.original = None
        """The file that a mutant was put into, as it was: its path, bytes and times."""

    def _git(self, *words):
        subprocess.run(["git", "-C", str(self.folder), *words], check=True, stdout=subprocess.DEVNULL)

    def prepare(self):
        """Makes the clone, or brings an older one to the commit."""
        self.logs.mkdir(parents=True, exist_ok=True)
        if self.in_place:
            return
        if not (self.folder / ".git").exists():
            subprocess.run(["git", "clone", "-q", "--no-checkout", str(self.root), str(self.folder)], check=True)
        self._git("fetch", "-q", "origin", "HEAD")
        self._git("checkout", "-q", "--force", "--detach", self.commit)
        self.reset()

    def put_in(self, mutant):
        """Writes a mutant's bug into the tree."""
        path = self.folder / mutant.file
        times = path.stat()
        self.original = (path, path.read_bytes(), (times.st_atime_ns, times.st_mtime_ns))
        mutant.apply(self.folder)

    def reset(self):
        """As committed; what was built stays."""
        if self.original is not None:
            # With its old time, a build elsewhere that has seen this file need not be made again.
            path, data, times = self.original
            path.write_bytes(data)
            os.utime(path, ns=times)
            self.original = None
        if not self.in_place:
            # Which may write a file anew that is as it was: with its time, git looks only at another one.
            self._git("reset", "-q", "--hard", self.commit)
        self._git("clean", "-q", "-fd", "-e", ".build")

    def log(self, name):
        """An empty file for what is said of a mutant."""
        path = self.logs / f"{name}.log"
        path.write_bytes(b"")
        return path

    def build(self, log):
        command = ["swift", "build", "--build-tests", *self.flags.build]
        return run_limited(command, self.folder, self.build_limit, log)

    def test(self, log, limit, name, only=(), excluded=()):
        """Runs the whole suite; or the suites or tests in `only`, to the first that fails."""
        report = self.work / "report.xml"
        for old in self.work.glob("report*.xml"):
            old.unlink()
        command = ["swift", "test", "--skip-build", *self.flags.test, "--xunit-output", str(report)]
        for text in [*self.flags.skipped, *map(pattern, excluded)]:
            command += ["--skip", text]
        for text in map(pattern, only):
            command += ["--filter", text]
        start = log.stat().st_size
        outcome = run_limited(command, self.folder, limit, log, {"PPTHREADS_MUTANT": name}, to_first_failure=bool(only))
        names = failures(report)
        reason = "took too long" if outcome.timed_out else outcome.failure or ", ".join(names[:3]) or crash(log)
        skipped = SKIPPED.search(log.read_bytes()[start:].decode(errors="replace")) is not None
        return Tests(outcome.code == 0, outcome.timed_out, names, reason, outcome.seconds, skipped)
