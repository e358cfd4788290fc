#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that PyTorch trains by ppthreads' schedule files, and ppthreads by PyTorch's.

For each order ppthreads writes a file of computations alone (`schedule --csv`, PyTorch's compute_only) and one with
sends and receives (`--comms`, compute_comms). PyTorch's _PipelineScheduleRuntime loads each and trains three Adam steps
by it on forked processes over gloo, from the checkpoint and tokens of a `ppthreads run` of that order. The loss of each
step may differ by 1e-5 of itself; the gradients of the last step and the weights after it by check_parity.py's limit,
1e-4 of a tensor's norm.

The other way, PyTorch's schedules write both kinds of file, and `ppthreads run --schedule FILE` has to come to the
losses, gradients and weights of its own order of that kind, to the bit.

Exits 1 when anything differs by more or could not be compared, 2 when the command line is wrong.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, Iterator, List, Optional, Sequence, TypeVar

import torch

import torch_models as models
from comparing import LOSS_LIMIT, CheckError, Comparison, Result, compare_tensors
from parity_sides import STEPS, Files, Workload, output_of, ppthreads_result, write_start
from schedule_files import FORMATS, WRITERS, run_file, write_file
from torch_pipeline import Failure

Answer = TypeVar("Answer")
ORDERS = (
    "gpipe", "1f1b", "interleaved", "eager-1f1b", "looped-bfs", "hanayo", "zb-h1", "zb-h2", "interleaved-zb", "zb-v",
    "v-half", "v-min", "dualpipe-v",
)  # fmt: skip
SIZES = {
    "decoder": Workload("decoder", 211, 48, 4, 4, ffn=96, seq=12, batch=0, microbatches=0, lr=1e-3),
    "gpt": Workload("gpt", 211, 48, 4, 4, ffn=4 * 48, seq=12, batch=0, microbatches=0, lr=1e-3),
}
"""The models; layers and batch follow from the ranks and microbatches."""


@dataclass(frozen=True)
class Case:
    """One comparison: a line of the report."""

    arch: str
    order: str
    form: str


@dataclass(frozen=True)
class Setting:
    """What all cases of an architecture have in common."""

    workload: Workload
    ranks: int
    program: str
    start: Files
    timeout: float

    def files(self, name: str) -> Files:
        """A new folder for a run's files, with the start in it."""
        files = Files(self.start.folder / name)
        files.folder.mkdir()
        files.init.symlink_to(self.start.init)
        files.tokens.symlink_to(self.start.tokens)
        return files

    def run(self, schedule: str, name: str) -> Result:
        """What ppthreads makes of an order or a file."""
        command = [self.program, "run", "--stages", str(self.ranks), "--schedule", schedule, "--pin", "none"]
        return ppthreads_result(command, self.workload, self.files(name), STEPS, self.timeout)

    def write(self, order: str, form: str) -> Path:
        """Has ppthreads write an order."""
        path = self.start.folder / f"{order}.{form}.csv"
        flag = "--comms" if form == "compute_comms" else "--csv"
        sizes = ["--stages", str(self.ranks), "--microbatches", str(self.workload.microbatches)]
        output_of([self.program, "schedule", order, *sizes, flag, str(path)], self.timeout)
        return path


# ---- The two comparisons ----


def relative(expected: float, actual: float) -> float:
    """The difference over what is expected."""
    return abs(actual - expected) / abs(expected)


def compare(ours: Result, theirs: Result) -> List[Comparison]:
    """PyTorch's run by a file and ppthreads' of the order: all losses, gradients and weights."""
    steps = zip(theirs.losses, ours.losses, strict=True)
    losses = [
        Comparison("loss", f"step {step}", relative(expected, actual), LOSS_LIMIT)
        for step, (expected, actual) in enumerate(steps, start=1)
    ]
    gradients = compare_tensors("gradients", theirs.gradients, ours.gradients)
    return losses + gradients + compare_tensors("weights", theirs.weights, ours.weights)


def in_pytorch(case: Case, setting: Setting, own: Result) -> bool:
    """PyTorch trains by ppthreads' file; prints the line, and returns whether it agrees."""
    path = setting.write(case.order, case.form)
    theirs = run_file(path, case.form, setting.workload, setting.files(f"torch.{path.name}"), setting.timeout)
    comparisons = compare(own, theirs)
    worst = [
        max((one for one in comparisons if one.group == group), key=lambda one: one.rank)
        for group in ("loss", "gradients", "weights")
    ]
    agrees = all(one.passes for one in comparisons)
    print_line(case, own, theirs, *(f"{one.difference:.1e}" for one in worst), "ok" if agrees else "FAIL")
    return agrees


def same_bits(expected: models.NamedTensors, actual: models.NamedTensors) -> bool:
    """Whether two sets of tensors are the same bytes."""
    return expected.keys() == actual.keys() and all(
        torch.equal(tensor.view(torch.int32), actual[name].view(torch.int32)) for name, tensor in expected.items()
    )


def in_ppthreads(case: Case, setting: Setting, own: Result) -> bool:
    """ppthreads trains by PyTorch's file; prints the line, and returns whether the bits are those of its own order."""
    path = setting.start.folder / f"pytorch.{case.order}.{case.form}.csv"
    write_file(case.order, setting.ranks, setting.workload.microbatches, case.form, path)
    theirs = setting.run(str(path), f"run.{path.name}")
    difference = max(map(relative, own.losses, theirs.losses))
    tensors = [same_bits(own.gradients, theirs.gradients), same_bits(own.weights, theirs.weights)]
    agrees = own.losses == theirs.losses and all(tensors)
    words = ("same" if same else "differ" for same in tensors)
    print_line(case, own, theirs, f"{difference:.1e}", *words, "ok" if agrees else "FAIL")
    return agrees


# ---- Reporting ----


def print_line(case: Case, own: Result, other: Result, *rest: str) -> None:
    """Prints a case, the last step's losses, and how far all steps' losses and the tensors lie apart."""
    print_cells(case.arch, case.order, case.form, f"{own.losses[-1]:.7f}", f"{other.losses[-1]:.7f}", *rest)


def print_cells(*cells: str) -> None:
    """Prints cells under their heads."""
    widths = (8, 15, 14, 10, 10, 8, 10, 8, 4)
    print("  ".join(f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip(), flush=True)


def print_head(title: str, own: str, other: str) -> None:
    """Prints a table's title and heads."""
    print(f"\n{title}")
    print_cells("arch", "order", "file", own, other, "loss", "gradients", "weights", "")


# ---- The check ----


def settings(options: argparse.Namespace, folder: Path) -> Iterator[Setting]:
    """Writes each architecture's start. Two layers a rank are one a stage where a rank has two stages."""
    for arch in models.ARCHITECTURES if options.arch == "both" else (options.arch,):
        M, layers = options.microbatches, 2 * options.stages
        workload = replace(SIZES[arch], layers=layers, microbatches=M, batch=2 * M)
        start = Files(folder / arch)
        start.folder.mkdir()
        write_start(workload, start, options.seed, relu_margin=2.0)
        yield Setting(workload, options.stages, str(options.ppthreads.resolve()), start, options.timeout)


def attempt(case: Case, action: Callable[[], Answer]) -> Optional[Answer]:
    """What a case comes to; None, and a line that says why, when it cannot be compared."""
    try:
        return action()
    except (CheckError, Failure, OSError, RuntimeError, ValueError) as error:
        print(f"{case.arch:8}  {case.order:15}  {case.form:14}  FAIL: {error}", flush=True)
        return None


def check_all(options: argparse.Namespace, folder: Path) -> List[bool]:
    """Checks everything; prints both tables. An order that ppthreads itself cannot run counts as one that failed."""
    every = list(settings(options, folder))
    own = {
        (setting, order): attempt(Case(setting.workload.arch, order, "own"), lambda: setting.run(order, f"own.{order}"))
        for setting in every
        for order in options.schedule
    }
    passed = [False for result in own.values() if result is None]
    for check, names, head in (
        (in_pytorch, ORDERS, ("PyTorch runs ppthreads' files", "ppthreads", "PyTorch")),
        (in_ppthreads, tuple(WRITERS), ("ppthreads runs PyTorch's files", "own order", "file")),
    ):
        print_head(*head)
        for (setting, order), result in own.items():
            for form in FORMATS if result is not None and order in names else ():
                case = Case(setting.workload.arch, order, form)
                passed.append(attempt(case, lambda: check(case, setting, result)) is True)
    return passed


def parse(arguments: Optional[Sequence[str]]) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="Checks that PyTorch and ppthreads train by each other's schedules.")
    standard = Path(".build/release/ppthreads")
    parser.add_argument("--ppthreads", type=Path, default=standard, metavar="PATH", help=f"the binary [{standard}]")
    parser.add_argument("--arch", choices=(*models.ARCHITECTURES, "both"), default="both", help="[both]")
    parser.add_argument("--schedule", nargs="+", choices=ORDERS, default=ORDERS, metavar="S", help="orders [all]")
    parser.add_argument("--stages", type=models.positive, default=2, metavar="N", help="ranks [2]")
    parser.add_argument("--microbatches", type=models.positive, default=4, metavar="N", help="[4]")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the start and the tokens [0]")
    parser.add_argument("--timeout", type=models.positive_real, default=120.0, metavar="SECONDS", help="of a run [120]")
    return parser.parse_args(arguments)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Checks what was asked for; returns the exit status."""
    options = parse(arguments)
    torch.set_num_threads(1)
    logging.disable()  # PyTorch logs notes on schedules.
    try:
        with tempfile.TemporaryDirectory(prefix="check_schedules.") as folder:
            passed = check_all(options, Path(folder))
    except (CheckError, OSError) as error:
        print(f"check_schedules: {error}", file=sys.stderr)
        return 1
    print(f"\n{'PASS' if all(passed) else 'FAIL'}: {sum(passed)} of {len(passed)} cases agree")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
