# SPDX-License-Identifier: Apache-2.0
"""Tests of the Python module and of the wheel's tag, with a command that is there already:

    PYTHONPATH=.ci/release/python PPTHREADS=dist/ppthreads python3 -m unittest discover -s .ci/release/python/tests

Without these two variables they take what is installed. Those of frames need pandas."""

import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path
from unittest import mock

import ppthreads

PANDAS = unittest.skipUnless(importlib.util.find_spec("pandas"), "there is no pandas")
SMALL = {"layers": 2, "heads": 2, "dim": 16, "ffn": 32, "vocab_size": 64, "seq_len": 8, "batch": 4, "microbatches": 2}
QUICK: dict[str, ppthreads.Flag] = {**SMALL, "warmup": 1, "measure": 3}


def children() -> list[int]:
    """The process ids of what this process has started and not waited for."""
    lists = (path.read_text() for path in Path("/proc/self/task").glob("*/children"))
    return [int(word) for words in lists for word in words.split()]


class Flags(unittest.TestCase):
    """Keyword arguments become flags."""

    def test_each_kind_of_value(self) -> None:
        words = ppthreads._flags(
            {"stages": 2, "lr": 3e-4, "recompute": True, "memory": False, "init": None, "schedule": ["gpipe", "a.csv"],
             "n_layers": range(2), "save": Path("m"), "partition": "-E t"})
        expected = "--stages=2 --lr=0.0003 --recompute --schedule=gpipe,a.csv --n-layers=0,1 --save=m".split()
        self.assertEqual(list(words), [*expected, "--partition=-E t"])


class Reports(unittest.TestCase):
    """What --json prints comes back as it is."""

    def test_run(self) -> None:
        report = ppthreads.run(stages=2, transport="processes", **QUICK)
        self.assertEqual((report["stages"], report["transport"], len(report["step_s"])), (2, "processes", 3))

    def test_compare(self) -> None:
        report = ppthreads.compare(schedule=["gpipe", "1f1b"], transport="threads", trials=2, **QUICK)
        self.assertEqual([row["schedule"] for row in report["rows"]], ["gpipe", "1f1b"])

    def test_schedule(self) -> None:
        self.assertEqual(ppthreads.schedule("1f1b", stages=2, microbatches=4)["makespan"], 15)

    def test_any_command(self) -> None:
        self.assertTrue(ppthreads.command("--version").startswith("ppthreads "))


class Failures(unittest.TestCase):
    """What ends with another code than 0 raises."""

    def test_code_and_line(self) -> None:
        with self.assertRaises(ppthreads.Failure) as caught:
            ppthreads.run(stages=99)
        self.assertEqual(caught.exception.code, 64)
        self.assertRegex(caught.exception.message, r"^ppthreads run: --stages: .*99$")

    def test_no_program(self) -> None:
        with mock.patch.dict(os.environ, {"PPTHREADS": "/nowhere"}), self.assertRaises(FileNotFoundError):
            ppthreads.command("--version")

    def test_interrupted(self) -> None:
        # As Ctrl-C in a notebook, which reaches Python alone.
        threading.Timer(1, os.kill, [os.getpid(), signal.SIGINT]).start()
        with self.assertRaises(KeyboardInterrupt):
            ppthreads.run(measure=100_000, **SMALL)
        self.assertEqual(children(), [])

    def test_stopped(self) -> None:
        def stop() -> None:
            time.sleep(1)
            os.kill(children()[0], signal.SIGINT)

        threading.Thread(target=stop).start()
        with self.assertRaises(ppthreads.Failure) as caught:
            ppthreads.run(measure=100_000, **SMALL)
        self.assertEqual(caught.exception.code, 130)
        self.assertIn('"stopped_by" : "SIGINT"', caught.exception.output)

    def test_no_pandas(self) -> None:
        with mock.patch.dict(sys.modules, {"pandas": None}), self.assertRaisesRegex(ImportError, "pip install pandas"):
            ppthreads.compare_frame()


@PANDAS
class Frames(unittest.TestCase):
    """CSV and JSON come back as frames."""

    def test_run(self) -> None:
        row = ppthreads.run_frame(**QUICK).iloc[0]
        self.assertEqual((row["schedule"], row["world_size"]), ("1f1b", 2))

    def test_compare(self) -> None:
        frame = ppthreads.compare_frame(schedule="gpipe,1f1b", transport=["threads", "processes"], trials=2, **QUICK)
        self.assertEqual(list(frame["transport"]), ["threads", "processes"] * 2)
        self.assertTrue((frame["step_s"] > 0).all())

    def test_of_a_report(self) -> None:
        ranks = ppthreads.frame(ppthreads.run(**QUICK)["ranks"])
        self.assertEqual(len(ranks), 2)
        self.assertTrue((ranks["busy_s"] > 0).all())

    def test_sweep_goes_on(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder, "results.csv")
            first = ppthreads.sweep(out, schedule="gpipe", **QUICK)
            second = ppthreads.sweep(out, schedule=["gpipe", "1f1b"], **QUICK)
            self.assertEqual(list(first["step_s_median"]), list(second["step_s_median"])[: len(first)])
            self.assertEqual(list(second["schedule"][second["world_size"] == 2]), ["gpipe", "1f1b"])
            groups = ppthreads.analyze(out)
            self.assertEqual(set(groups["Processes"]), {1, 2})


class Tag(unittest.TestCase):
    """The wheel's tag tells what the binary needs."""

    def test_one_that_promises_less_is_refused(self) -> None:
        wheel = Path(__file__).parents[2] / "wheel"
        for tag in ["manylinux_2_17_x86_64", "manylinux_2_99_riscv64", "any"]:
            made = subprocess.run(
                [sys.executable, wheel, "--tag", tag, ppthreads._program()], stderr=subprocess.PIPE, text=True)
            self.assertEqual(made.returncode, 1)
            self.assertRegex(made.stderr, rf"^wheel: --tag {tag}: .* needs glibc 2\.\d+ on ")


if __name__ == "__main__":
    unittest.main()
