# SPDX-License-Identifier: Apache-2.0
"""The list of mutants: reading it, checking it against the tree, and putting a mutant into a tree.

README.md has the format of the list's files.
"""

import hashlib
import os
import random
import re
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = "Benchmarks/mutants"
LINES_MAX = 299
KEYS = {"file", "why", "tests", "after", "equivalent"}


class ListError(Exception):
    """A list that cannot be read, or a mutant that does not fit the tree."""


@dataclass
class Mutant:
    """A small bug: text of one file that becomes another text."""

    id: str
    area: str
    """The list that it stands in, such as `threads-waiting`."""
    line: int
    values: dict = field(default_factory=dict)
    old_lines: list = field(default_factory=list)
    new_lines: list = field(default_factory=list)

    @property
    def file(self):
        return self.values.get("file", "")

    @property
    def why(self):
        return self.values.get("why", "")

    @property
    def tests(self):
        return [name for name in re.split(r"[,\s]+", self.values.get("tests", "")) if name]

    @property
    def equivalent(self):
        return self.values.get("equivalent")

    @property
    def old(self):
        return "\n".join(self.old_lines)

    @property
    def new(self):
        return "\n".join(self.new_lines)

    def applied_to(self, text):
        """The file's text with the bug in it; raises ListError unless the old text is there once."""
        start = 0
        if after := self.values.get("after"):
            if text.count(after) != 1:
                raise ListError(f"the text after which it stands occurs {text.count(after)} times in {self.file}")
            start = text.index(after) + len(after)
            if self.old not in text[start:]:
                raise ListError(f"its old text does not follow '{after}' in {self.file}")
        elif (count := text.count(self.old)) != 1:
            raise ListError(f"its old text occurs {count} times in {self.file}")
        at = text.index(self.old, start)
        return text[:at] + self.new + text[at + len(self.old) :]

    def key(self, root, flags):
        """What a result is known by again: the mutant's text, the file that it is put into, and how that was built."""
        parts = [self.file, self.values.get("after", ""), self.old, self.new, flags]
        digest = hashlib.sha256("\0".join(parts).encode())
        digest.update((Path(root) / self.file).read_bytes())
        return digest.hexdigest()[:16]

    def apply(self, root):
        """Writes the bug into a tree."""
        path = Path(root) / self.file
        path.write_text(self.applied_to(path.read_text()))


def read_list(path):
    """The mutants of one file; raises ListError with the line that cannot be read."""
    mutants, key = [], None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("== "):
            mutants.append(Mutant(line[3:].strip(), path.stem, number))
            key = None
        elif not line.strip() or line.startswith("#"):
            key = None
        elif not mutants:
            raise ListError(f"{path.name}:{number}: a line before the first mutant")
        elif line[0] in "-+" and line[1:2] in ("", " "):
            (mutants[-1].old_lines if line[0] == "-" else mutants[-1].new_lines).append(line[2:])
            key = None
        elif line.startswith("  ") and key:
            mutants[-1].values[key] += " " + line.strip()
        else:
            key, colon, value = line.partition(":")
            if not colon or key not in KEYS or key in mutants[-1].values:
                raise ListError(f"{path.name}:{number}: '{line}' is no value of a mutant, or stands twice")
            mutants[-1].values[key] = value.strip()
    return mutants


def read_lists(root):
    """All mutants, list by list."""
    lists = sorted((Path(root) / FOLDER).glob("*.mutants"))
    return [mutant for path in lists for mutant in read_list(path)]


def is_suite(root, name):
    """Whether there is such a test target, `PipelineTests`, or suite, `PipelineTests.RunTests`."""
    target, _, suite = name.partition(".")
    folder = Path(root) / "Tests" / target
    if not target or not folder.is_dir():
        return False
    declaration = re.compile(rf"\b(struct|class|enum)\s+{re.escape(suite)}\b")
    return not suite or any(declaration.search(path.read_text()) for path in folder.rglob("*.swift"))


def faults(root, mutant):
    """What is wrong with one mutant, a sentence each."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", mutant.id):
        yield "its name has other signs than letters, digits and hyphens"
    if not mutant.why:
        yield "it has no why"
    if not mutant.tests and mutant.equivalent is None:
        yield "it names no tests"
    for name in mutant.tests:
        if not is_suite(root, name):
            yield f"there are no tests {name}"
    if mutant.old == mutant.new:
        yield "it changes nothing"
    path = Path(root) / mutant.file
    if not mutant.file.startswith("Sources/") or not path.is_file():
        yield f"there is no file {mutant.file} in Sources"
        return
    try:
        mutant.applied_to(path.read_text())
    except ListError as error:
        yield str(error)


def check(root):
    """All faults of all lists, a line each."""
    try:
        mutants = read_lists(root)
    except ListError as error:
        return [str(error)]
    lines, known = [], set()
    for path in sorted((Path(root) / FOLDER).glob("*.mutants")):
        if (count := len(path.read_text().splitlines())) > LINES_MAX:
            lines.append(f"{path.name}: {count} lines; at most {LINES_MAX} are allowed")
    for mutant in mutants:
        where = f"{mutant.area}.mutants:{mutant.line}: {mutant.id}"
        if mutant.id in known:
            lines.append(f"{where}: there is another one of that name")
        known.add(mutant.id)
        lines += [f"{where}: {fault}" for fault in faults(root, mutant)]
    return lines or ([] if mutants else ["there is no mutant"])


def folder(mutant):
    """Where its file is, for the report."""
    return os.path.dirname(mutant.file)


def sample(mutants, count, seed):
    """So many of them, spread over the lists: one of each in turn, drawn by the seed; in the lists' order."""
    draw = random.Random(seed)
    areas = {}
    for mutant in mutants:
        areas.setdefault(mutant.area, []).append(mutant)
    for own in areas.values():
        draw.shuffle(own)
    order = list(areas)
    draw.shuffle(order)
    picked = []
    while len(picked) < count and any(areas.values()):
        picked += [areas[area].pop() for area in order if areas[area]][: count - len(picked)]
    names = {mutant.id for mutant in picked}
    return [mutant for mutant in mutants if mutant.id in names]
