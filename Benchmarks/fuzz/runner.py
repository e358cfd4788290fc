# SPDX-License-Identifier: Apache-2.0
"""Runs a command on one input after another: a fork for each (fork_server.c), or a process for each where there is no cc."""

import os
import resource
import select
import shutil
import signal
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

REQUESTS, ANSWERS = 198, 199
ENVIRONMENT = os.environ | {"SWIFT_BACKTRACE": "enable=no"}
"""A backtrace takes a second, and the signal tells enough."""
MEMORY_BYTES_MAX = 4 << 30
"""Address space of a try: an input of a few kilobytes that takes more has done harm too."""


@dataclass
class Outcome:
    status: int
    """As `wait` tells it; None for a try that outlived its time and was killed."""
    output: bytes
    errors: bytes


def build_fork_server(folder):
    """The preloaded library's path, or None without a C compiler."""
    compiler = shutil.which("cc")
    if not compiler:
        return None
    library = Path(folder) / "fork_server.so"
    source = Path(__file__).with_name("fork_server.c")
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return str(library)


class Runner:
    """One command line, whose files are written anew for each try."""

    def __init__(self, words, folder, seconds_max, library=None):
        self.words, self.seconds_max, self.library = [str(word) for word in words], seconds_max, library
        self.folder, self.server = folder, None
        self.paths = [Path(folder) / "output", Path(folder) / "errors"]

    def run(self):
        """Runs the command to its end."""
        for path in self.paths:
            path.write_bytes(b"")
        status = self._run_fork() if self.library else self._run_process()
        return Outcome(status, *(path.read_bytes() for path in self.paths))

    def close(self):
        if self.server:
            os.close(self.to_server)
            os.close(self.from_server)
            self.server.wait()
            self.server = None

    def _start(self, environment=ENVIRONMENT, descriptors=()):
        streams = [open(path, "ab") for path in self.paths]
        try:
            return subprocess.Popen(
                self.words,
                stdin=subprocess.DEVNULL,
                stdout=streams[0],
                stderr=streams[1],
                cwd=self.folder,
                env=environment,
                pass_fds=descriptors,
                preexec_fn=self._limit,
            )
        finally:
            for stream in streams:
                stream.close()

    def _limit(self):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def _run_process(self):
        process = self._start()
        try:
            process.wait(self.seconds_max)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return None
        code = process.returncode
        return -code if code < 0 else code << 8

    def _run_fork(self):
        if not self.server:
            self._start_server()
        os.write(self.to_server, b"x")
        process = self._answer(30)
        if process is None or process <= 0:
            raise RuntimeError(f"the fork server of {self.words} does not answer")
        status = self._answer(self.seconds_max)
        if status is None:
            os.kill(process, signal.SIGKILL)
            self._answer(30)
        return status

    def _start_server(self):
        request_end, self.to_server = os.pipe()
        self.from_server, answer_end = os.pipe()
        for end, number in [(request_end, REQUESTS), (answer_end, ANSWERS)]:
            os.dup2(end, number)
            os.close(end)
        self.server = self._start(ENVIRONMENT | {"LD_PRELOAD": self.library}, (REQUESTS, ANSWERS))
        os.close(REQUESTS)
        os.close(ANSWERS)

    def _answer(self, seconds):
        """The next number that the server sends; None when it takes longer."""
        if not select.select([self.from_server], [], [], seconds)[0]:
            return None
        answer = os.read(self.from_server, 4)
        if len(answer) < 4:
            raise RuntimeError(f"{self.words} does not start")
        return struct.unpack("i", answer)[0]
