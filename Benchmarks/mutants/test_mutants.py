# SPDX-License-Identifier: Apache-2.0
"""Tests mutants.py with a `swift` that is a shell script: what it says follows from words in the source.

    python3 -m unittest discover -s Benchmarks/mutants
"""

import signal
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import catalogue  # noqa: E402
from fake_swift import HANG, Tree  # noqa: E402


class MutantTests(unittest.TestCase):
    def setUp(self):
        self.tree = Tree()
        self.addCleanup(self.tree.temporary.cleanup)

    def statuses(self):
        return {name: result["status"] for name, result in self.tree.results().items()}

    def test_each_kind_of_end(self):
        ended = self.tree.mutants("run")
        self.assertEqual(ended.returncode, 0, ended.stdout)
        self.assertEqual(
            self.statuses(),
            {"wrong": "killed", "subtle": "killed", "flaky": "survived", "fine": "survived",
             "no-syntax": "does-not-build", "crash": "killed", "leaves": "survived"})
        results = self.tree.results()
        self.assertEqual(results["wrong"]["by"], "ATests.Small/one()")
        self.assertEqual(results["subtle"]["by"], "ATests.Other/two() (not one of its tests)")
        self.assertEqual(results["flaky"]["once"], ["ATests.Other/two()"])
        self.assertIn("index out of range", results["crash"]["by"])
        self.assertRegex(ended.stdout, "not-tried +rare  some of its own tests are skipped here\n")
        self.assertEqual(self.tree.left(), [])
        report = self.tree.mutants("report").stdout
        self.assertIn("killed 3 of 6 (50.0 %), 0 of them by a time-out; 1 does not build, 1 not run", report)
        self.assertIn("1 are known to be equivalent", report)
        self.assertIn("3 of 5 (60.0 %)  Sources/A", report)
        self.assertIn("  fine in Sources/B/b.c\n      nobody looks", report)
        self.assertIn("a test fails by chance (failed once: ATests.Other/two())", report)

    def test_a_hang_is_ended_with_all_that_it_started(self):
        self.tree.write("Benchmarks/mutants/hang.mutants", HANG)
        start = time.monotonic()
        self.tree.mutants("run", "--only", "hang", "--limit", "1")
        self.assertLess(time.monotonic() - start, 30)
        self.assertEqual(self.statuses(), {"hang": "timed-out"})
        self.assertEqual(len((self.tree.fake / "left").read_text().split()), 2)
        self.assertEqual(self.tree.left(), [])

    def test_own_tests_are_run_to_the_first_that_fails(self):
        self.tree.write("Benchmarks/mutants/early.mutants", HANG.replace("== hang", "== early").replace("HANGS", "EARLY"))
        self.tree.mutants("run", "--only", "early", "--limit", "60")
        self.assertEqual(self.statuses(), {"early": "killed"})
        self.assertEqual(self.tree.results()["early"]["by"], '"early"')
        self.assertEqual(self.tree.left(), [])

    def test_a_signal_ends_it_with_all_that_it_started(self):
        self.tree.write("Benchmarks/mutants/hang.mutants", HANG)
        running = self.tree.start("run", "--only", "hang")
        self.addCleanup(running.stdout.close)
        while not (self.tree.fake / "left").exists():
            self.assertIsNone(running.poll())
            time.sleep(0.05)
        running.terminate()
        self.assertEqual(running.wait(30), 128 + signal.SIGTERM)
        self.assertEqual(self.tree.left(), [])

    def test_a_run_goes_on_where_it_was(self):
        self.tree.mutants("run", "--only", "wrong,fine")
        calls = len(self.tree.calls())
        self.assertEqual(len(self.tree.results()), 2)
        with open(self.tree.work / "results.jsonl", "a") as file:
            file.write('{"id": "subtle", "ke')
        self.tree.mutants("run", "--only", "wrong,fine,subtle")
        self.assertEqual(set(self.statuses()), {"wrong", "fine", "subtle"})
        more = self.tree.calls()[calls:]
        self.assertEqual(len([call for call in more if call.startswith("build")]), 1, more)
        # A file that changed is another one.
        self.tree.write("Sources/B/b.c", "// second\nint b = 2; // new\n")
        self.tree.commit()
        before = len(self.tree.calls())
        self.tree.mutants("run", "--only", "wrong,fine")
        builds = [call for call in self.tree.calls()[before:] if call.startswith("build")]
        self.assertEqual(len(builds), 2, "a baseline of the new commit, and one mutant")

    def test_what_fails_without_a_mutant_is_left_out_and_told(self):
        (self.tree.fake / "broken").touch()
        ended = self.tree.mutants("run", "--only", "wrong,fine")
        self.assertIn("left out: ATests.Old/three()", ended.stdout)
        self.assertEqual(self.statuses(), {"wrong": "killed", "fine": "survived"})
        self.tree.write("Sources/A/a.swift", "CRASHES\nlet a = 1\n")
        self.tree.commit()
        ended = self.tree.mutants("run", "--only", "fine")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("do not pass without a mutant", ended.stdout)

    def test_flags(self):
        self.tree.mutants("run", "--only", "fine", "--release")
        build, *tests = self.tree.calls()
        self.assertEqual(build, "build --build-tests -c release")
        self.assertTrue(tests[0].startswith("test --skip-build -c release --disable-testable-imports --xunit-output"))
        self.assertIn("--skip TidyTests", tests[0])
        self.assertTrue(any(r"--filter ATests[./]" in call for call in tests))

    def test_in_place(self):
        file = self.tree.root / "Sources/A/a.swift"
        before = (file.read_text(), file.stat().st_mtime_ns)
        ended = self.tree.mutants("run", "--only", "wrong", "--named", "--in-place")
        self.assertEqual(ended.returncode, 0, ended.stdout)
        self.assertIn("killed", ended.stdout)
        self.assertEqual((file.read_text(), file.stat().st_mtime_ns), before)
        self.assertEqual(self.tree.mutants("run", "--only", "subtle", "--named", "--in-place").returncode, 1)
        # No reason to fail where its tests cannot run.
        self.assertEqual(self.tree.mutants("run", "--only", "rare", "--named", "--in-place").returncode, 0)
        # What somebody has not committed would be lost.
        self.tree.write("Sources/A/a.swift", "let a = 1\n// new\n")
        self.assertIn("not committed", self.tree.mutants("run", "--only", "wrong", "--named", "--in-place").stdout)
        self.assertEqual(file.read_text(), "let a = 1\n// new\n")

    def test_check(self):
        self.assertEqual(self.tree.mutants("check").returncode, 0)
        faults = """== Bad name
file: Sources/A/a.swift
tests: ATests.Large
- let a = 2
+ let a = 3

== wrong
file: Sources/C/c.swift
why: a
tests: ATests
- a
+ a

== twice
file: Sources/B/b.c
why: a
tests: ATests
- int b = 2;
+ int b = 4;
"""
        self.tree.write("Benchmarks/mutants/more.mutants", faults)
        ended = self.tree.mutants("check")
        self.assertEqual(ended.returncode, 1)
        for text in ["other signs", "no why", "no tests ATests.Large", "occurs 0 times", "of that name", "no file",
                     "changes nothing", "occurs 2 times"]:
            self.assertIn(text, ended.stdout)
        self.assertEqual(self.tree.mutants("check", PPTHREADS_MUTANT="a").returncode, 0)
        self.assertEqual(self.tree.mutants("run").returncode, 1)

    def test_sample(self):
        mutants = [catalogue.Mutant(f"{area}{index}", area, 1) for area in "abc" for index in range(9)]
        picked = catalogue.sample(mutants, 7, seed=1)
        self.assertEqual(len(picked), 7)
        self.assertEqual({len([m for m in picked if m.area == area]) for area in "abc"}, {2, 3})
        self.assertEqual(picked, catalogue.sample(mutants, 7, seed=1))
        self.assertNotEqual(picked, catalogue.sample(mutants, 7, seed=2))
        self.assertEqual(len(catalogue.sample(mutants, 100, seed=1)), 27)


if __name__ == "__main__":
    unittest.main()
