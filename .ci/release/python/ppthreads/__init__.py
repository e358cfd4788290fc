# SPDX-License-Identifier: Apache-2.0
"""ppthreads from Python: each function runs the command and returns what it measured.

Flags are keyword arguments: ``stages=2`` is ``--stages 2``, ``recompute=True`` is ``--recompute``, a sequence is a list
with commas, and None and False leave a flag out. ``ppthreads help COMMAND`` tells them all.

    >>> report = ppthreads.run(stages=2, microbatches=8)
    >>> report["tokens_per_s"]
    >>> ppthreads.frame(report["ranks"])                      # a pandas frame, a row for each rank
    >>> ppthreads.compare_frame(schedule=["gpipe", "1f1b"])   # one of the CSV, a row for each candidate

What fails raises Failure. Frames need pandas; nothing else does. PPTHREADS in the environment names another program.
"""

from __future__ import annotations

import importlib.metadata
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Union

if TYPE_CHECKING:
    import pandas

__all__ = [
    "Failure", "Flag", "Report", "analyze", "command", "compare", "compare_frame", "frame", "results", "run",
    "run_frame", "schedule", "sweep",
]

Flag = Union[None, bool, int, float, str, "os.PathLike[str]", Sequence[Union[int, float, str, "os.PathLike[str]"]]]
"""The value of a flag."""

Report = dict[str, Any]
"""What ``--json`` prints. docs/commands.md tells its keys."""


class Failure(Exception):
    """The command ended with another exit code than 0.

    code: the exit code; 128 and its number after a signal. message: the line that says why. output: what was printed
    all the same; after a first SIGINT or SIGTERM, `run` has reported what it measured by then."""

    def __init__(self, code: int, message: str, output: str) -> None:
        super().__init__(message)
        self.code, self.message, self.output = code, message, output


def command(*words: str | os.PathLike[str], **flags: Flag) -> str:
    """Runs any command, as in ``command("verify", microbatches=[3, 8])``; returns its output."""
    line = [_program(), *(os.fspath(word) for word in words), *_flags(flags)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") as process:
        try:
            output, errors = process.communicate()
        except BaseException:
            # Ctrl-C in a notebook reaches Python alone. ppthreads ends its ranks, and removes partial files.
            process.terminate()
            process.communicate()
            raise
    code = 128 - process.returncode if process.returncode < 0 else process.returncode
    if code == 0:
        sys.stderr.write(errors)
        return output
    lines = errors.split("\n")[:-1]
    raise Failure(code, lines[-1] if lines else f"ppthreads ended with {code}", output)


def run(**flags: Flag) -> Report:
    """One run, as ``ppthreads run --json``."""
    return _report("run", **flags)


def run_frame(**flags: Flag) -> pandas.DataFrame:
    """One run as a row, as ``ppthreads run --emit-csv``."""
    return _frame("run", emit_csv=True, **flags)


def compare(**flags: Flag) -> Report:
    """Schedules and transports in turns, as ``ppthreads compare --json``."""
    return _report("compare", **flags)


def compare_frame(**flags: Flag) -> pandas.DataFrame:
    """The same, a row for each candidate, as ``ppthreads compare --csv``."""
    return _frame("compare", csv=True, **flags)


def sweep(out: str | os.PathLike[str], **flags: Flag) -> pandas.DataFrame:
    """A grid of runs into a file, as ``ppthreads sweep --out FILE``; returns all rows of the file.

    Runs that the file has are left out, so that a sweep that was stopped goes on. Raises Failure where a run failed: then
    ``results(out)`` has the others."""
    _pandas()
    command("sweep", out=out, **flags)
    return results(out)


def results(file: str | os.PathLike[str]) -> pandas.DataFrame:
    """The rows of a CSV that `sweep` or `analyze` wrote."""
    frame: pandas.DataFrame = _pandas().read_csv(Path(file))
    return frame


def analyze(file: str | os.PathLike[str], **flags: Flag) -> pandas.DataFrame:
    """Medians and ratios, a row for each group of equal settings, as ``analyze FILE --summary``."""
    with tempfile.TemporaryDirectory() as folder:
        summary = Path(folder, "summary.csv")
        _pandas()
        command("analyze", file, summary=summary, **flags)
        return results(summary)


def schedule(order: str, **flags: Flag) -> Report:
    """An order in times of your choice, as ``ppthreads schedule NAME --json``; runs nothing."""
    return _report("schedule", order, **flags)


def frame(objects: Iterable[Report]) -> pandas.DataFrame:
    """Objects of a report as rows: ``report["ranks"]``, ``report["handoffs"]``, or the ``rows`` of `compare`."""
    rows: pandas.DataFrame = _pandas().json_normalize(list(objects))
    return rows


def _report(*words: str | os.PathLike[str], **flags: Flag) -> Report:
    report: Report = json.loads(command(*words, json=True, **flags))
    return report


def _frame(*words: str | os.PathLike[str], **flags: Flag) -> pandas.DataFrame:
    read_csv = _pandas().read_csv  # Before a run that may take minutes.
    frame: pandas.DataFrame = read_csv(io.StringIO(command(*words, **flags)))
    return frame


def _flags(flags: dict[str, Flag]) -> Iterator[str]:
    for name, value in flags.items():
        if value is None or value is False:
            continue
        flag = "--" + name.replace("_", "-")
        if value is True:
            yield flag
        elif isinstance(value, (str, os.PathLike)) or not isinstance(value, Iterable):
            yield f"{flag}={_text(value)}"
        else:
            yield f"{flag}={','.join(map(_text, value))}"


def _text(value: int | float | str | os.PathLike[str]) -> str:
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


def _program() -> str:
    """The command: the one that was named, the one that came with this module, or the one on PATH."""
    if named := os.environ.get("PPTHREADS"):
        return named
    try:
        installed = [Path(str(file.locate())) for file in importlib.metadata.files("ppthreads") or []]
    except importlib.metadata.PackageNotFoundError:
        installed = []
    # pip install --target moves the command after it has listed it.
    for path in [*installed, Path(__file__).parents[1] / "bin/ppthreads"]:
        if path.match("bin/ppthreads") and path.exists():
            return str(path.resolve())
    if found := shutil.which("ppthreads"):
        return found
    raise FileNotFoundError("there is no ppthreads: neither beside this module nor on PATH; PPTHREADS can name one")


def _pandas() -> ModuleType:
    try:
        import pandas
    except ImportError as error:
        raise ImportError("frames need pandas: pip install pandas") from error
    return pandas
