# SPDX-License-Identifier: Apache-2.0
"""A small repository with lists of mutants, and a `swift` that is a shell script, for test_mutants.py."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent

SWIFT = r"""#!/bin/sh
echo "$@" >> "$FAKE/calls"
if [ "$1" = build ]; then
    if grep -rq SYNTAX Sources; then echo "a.swift:1: error: SYNTAX"; exit 1; fi
    exit 0
fi
report= only= skipped=
while [ $# -gt 0 ]; do
    case "$1" in
        --xunit-output) report="${2%.xml}-swift-testing.xml"; shift ;;
        --filter) only="$only$2 "; shift ;;
        --skip) skipped="$skipped$2 "; shift ;;
    esac
    shift
done
failed=
fails() { # suite test: unless it is left out
    case "$skipped" in *"$1/$2"*) return ;; esac
    case "$only" in ""|*"$1"*) ;; *) return ;; esac
    failed="$failed<testcase classname='ATests.$1' name='$2()'><failure message='m'/></testcase>"
}
if grep -rq HANGS Sources; then
    setsid sleep 1000 & echo $! >> "$FAKE/left"
    sh -c 'trap "" TERM; sleep 1000 & wait' & echo $! >> "$FAKE/left"
    sleep 1000
fi
if grep -rq EARLY Sources; then echo '✘ Test "early" recorded an issue with 1 argument'; sleep 1000; fi
if grep -rq LEAVES Sources; then setsid sleep 1000 >/dev/null 2>&1 & echo $! >> "$FAKE/left"; fi
if grep -rq RARE Sources; then echo '➜ Test "three"'" skipped: \"needs what is not here\""; fi
if grep -rq CRASHES Sources; then echo "A.swift:3: Fatal error: index out of range"; exit 1; fi
grep -rq WRONG Sources && fails Small one
grep -rq SUBTLE Sources && fails Other two
grep -rq FLAKY Sources && [ ! -e "$FAKE/flaked" ] && case "$only" in "") touch "$FAKE/flaked"; fails Other two ;; esac
[ -e "$FAKE/broken" ] && fails Old three
echo "<testsuites><testsuite>$failed</testsuite></testsuites>" > "$report"
[ -z "$failed" ]
"""

LIST = """# Some.

== wrong
file: Sources/A/a.swift
why: it is wrong
tests: ATests.Small
- let a = 1
+ let a = 1 // WRONG

== subtle
file: Sources/A/a.swift
why: nobody
  expected it
tests: ATests.Small
- let a = 1
+ let a = 1 // SUBTLE

== flaky
file: Sources/A/a.swift
why: a test fails by chance
tests: ATests.Small
- let a = 1
+ let a = 1 // FLAKY

== fine
file: Sources/B/b.c
why: nobody looks
tests: ATests
after: second
- int b = 2;
+ int b = 3;

== no-syntax
file: Sources/A/a.swift
why: it does not compile
tests: ATests.Small
- let a = 1
+ let a = SYNTAX

== crash
file: Sources/A/a.swift
why: it ends the tests
tests: ATests.Small
- let a = 1
+ CRASHES

== leaves
file: Sources/A/a.swift
why: it leaves a process
tests: ATests.Small
- let a = 1
+ LEAVES

== rare
file: Sources/A/a.swift
why: it is seen on some machines alone
tests: ATests.Small
- let a = 1
+ let a = 1 // RARE

== same
file: Sources/A/a.swift
why: it is the same
equivalent: 1 is 1
- let a = 1
+ let a = 0x1
"""

HANG = """== hang
file: Sources/A/a.swift
why: it never ends
tests: ATests.Small
- let a = 1
+ HANGS
"""


class Tree:
    """A small repository with lists, and the fake swift."""

    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.root = Path(self.temporary.name) / "root"
        self.fake = Path(self.temporary.name) / "fake"
        self.work = Path(self.temporary.name) / "work"
        self.fake.mkdir()
        (self.fake / "swift").write_text(SWIFT)
        (self.fake / "swift").chmod(0o755)
        self.write("Sources/A/a.swift", "let a = 1\n")
        self.write("Sources/B/b.c", "// first\nint b = 2;\n// second\nint b = 2;\n")
        self.write("Tests/ATests/Small.swift", "struct Small {}\n")
        self.write("Benchmarks/mutants/some.mutants", LIST)
        self.git("init", "-q")
        self.commit()

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def git(self, *words):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", str(self.root), *identity, *words], check=True, capture_output=True)

    def commit(self):
        self.git("add", "-A")
        self.git("commit", "-qm", "a")

    def start(self, *words, **environment):
        """Runs the script with the fake swift."""
        paths = {"PATH": f"{self.fake}:{os.environ['PATH']}", "FAKE": str(self.fake)}
        where = ["--work", str(self.work)] if words[0] != "check" else []
        return subprocess.Popen(
            [sys.executable, str(HERE / "mutants.py"), "--root", str(self.root), *words, *where], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **paths, **environment})

    def mutants(self, *words, **environment):
        """Runs the script to its end."""
        running = self.start(*words, **environment)
        output, _ = running.communicate(timeout=120)
        return subprocess.CompletedProcess(words, running.returncode, output)

    def results(self):
        lines = (self.work / "results.jsonl").read_text().splitlines()
        whole = [json.loads(line) for line in lines if line.endswith("}")]
        return {line["id"]: line for line in whole if "id" in line}

    def calls(self):
        path = self.fake / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def left(self):
        """Processes that the fake swift has left running."""
        path = self.fake / "left"
        numbers = path.read_text().split() if path.exists() else []
        return [number for number in numbers if Path(f"/proc/{number}").exists()]
