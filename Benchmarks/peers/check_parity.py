#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that ppthreads computes what PyTorch computes, from the same start on the same tokens.

Trains three Adam steps with both and compares the loss of every step, the gradients of steps 1 and 3 and the weights
after step 3; then loads the checkpoint that ppthreads saved into the PyTorch module. Exits 1 when anything is outside
its limit, 2 when the command line is wrong.

Two things in the mathematics of these models would make correct programs differ, and are kept apart:

- The bias of attention's keys has a true gradient of zero (softmax ignores what it adds), so what is computed is
  rounding, and Adam scales it up to whole steps. These thirds of bias tensors are printed, but have no limit.
- ReLU's derivative jumps at 0. The decoder's default workload has millions of ReLU inputs a step, so some lie within
  rounding of 0 and fall on either side: PyTorch in float32 and in float64 then differ by up to 3e-2 in a gradient of
  step 3. So the start moves each ReLU's bias by --relu-margin up or down, which leaves few inputs near 0.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

import torch

import torch_models as models
from comparing import CheckError, Comparison, Result, compare_results, key_third
from parity_sides import STEPS, Files, Workload, evaluate_saved, ppthreads_result, pytorch_result, write_start

LEVELS = ("portable", "avx2", "avx512")
"""Vector levels of the kernels."""

DEFAULTS = {
    "decoder": Workload("decoder", 10000, 240, 4, 4, ffn=2048, seq=64, batch=8, microbatches=4, lr=3e-4),
    "gpt": Workload("gpt", 512, 96, 3, 4, ffn=4 * 96, seq=32, batch=8, microbatches=4, lr=3e-4),
}


# ---- Reporting ----


def print_comparisons(comparisons: Sequence[Comparison], top: int) -> None:
    """Prints all losses and, of each other group, the worst tensors."""
    print(f"  {'difference':>10}  {'limit':>7}  {'':4}  of")
    for group in dict.fromkeys(comparison.group for comparison in comparisons):
        members = [comparison for comparison in comparisons if comparison.group == group]
        if not group.startswith("loss"):
            members.sort(key=lambda member: member.rank, reverse=True)
        shown = len(members) if group.startswith("loss") else top
        for one in members[:shown]:
            word = "ok" if one.passes else "FAIL"
            print(f"  {one.difference:10.2e}  {one.limit:7.0e}  {word:4}  {group}: {one.name}")
        failures = sum(not one.passes for one in members[shown:])
        if failures:
            print(f"  {'':10}  {'':7}  FAIL  {group}: {failures} more")


def print_keys(expected: Dict[int, Result], actual: Dict[int, Result]) -> None:
    """Prints the largest absolute differences of the keys' biases, which have no limit."""
    for steps in sorted(expected):
        ours, theirs = expected[steps], actual[steps]
        for group, left, right in (
            (f"gradients, step {steps}", ours.gradients, theirs.gradients),
            (f"weights, after step {steps}", ours.weights, theirs.weights),
        ):
            for name, tensor in left.items():
                keys = key_third(name, tensor)
                if keys is not None:
                    most = float((tensor[keys] - right[name][keys]).abs().max())
                    print(f"  {most:10.2e}  {'none':>7}  {'':4}  {group}: {name}, keys (absolute)")


# ---- The check ----


def check(workload: Workload, command: Sequence[str], options: argparse.Namespace) -> List[Comparison]:
    """Checks one architecture, prints the table, and returns all comparisons."""
    with tempfile.TemporaryDirectory(prefix="check_parity.") as folder:
        files = Files(Path(folder))
        write_start(workload, files, options.seed, options.relu_margin)
        actual = {n: ppthreads_result(command, workload, files, n, options.timeout) for n in (1, STEPS)}
        expected = {n: pytorch_result(workload, files, n) for n in (1, STEPS)}
        comparisons = compare_results(expected, actual)
        loss, finite = evaluate_saved(workload, files)
    comparisons.append(finite)
    print_comparisons(comparisons, options.top)
    print_keys(expected, actual)
    print(f"  loss of ppthreads' checkpoint in PyTorch, on the next batch: {loss:.7f}")
    return comparisons


def verdict(
    arch: str, level: str, workload: Workload, command: Sequence[str], options: argparse.Namespace
) -> Tuple[bool, str]:
    """Whether one architecture passes at one vector level, and a phrase for the final line."""
    print(f"{arch}: {' '.join([*command[1:], *workload.flags()])}")
    try:
        comparisons = check(workload, command, options)
    except (CheckError, ValueError) as error:
        print(f"check_parity: {arch}: {error}", file=sys.stderr)
        return False, f"{arch} ({level}) could not be compared"
    failures = sum(not comparison.passes for comparison in comparisons)
    if failures:
        return False, f"{arch} ({level}) has {failures} of {len(comparisons)} comparisons outside their limits"
    return True, f"{arch} ({level}) agrees in {len(comparisons)} comparisons"


def parse(arguments: Optional[Sequence[str]]) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description="Checks losses, gradients and weights of ppthreads against PyTorch's over three Adam steps.",
        epilog="Sizes that are not given are the architecture's own: the reference workload for decoder, a small one "
        "for gpt.",
    )
    parser.add_argument("--ppthreads", type=Path, required=True, metavar="PATH", help="the binary")
    parser.add_argument("--arch", choices=(*models.ARCHITECTURES, "both"), default="both")
    for flag in ("vocab-size", "dim", "layers", "heads", "ffn", "seq-len", "batch-size", "microbatches"):
        parser.add_argument(f"--{flag}", type=models.positive, metavar="N")
    parser.add_argument("--lr", type=models.positive_real, metavar="X", help="learning rate of Adam")
    parser.add_argument("--stages", type=models.positive, default=2, metavar="N")
    parser.add_argument("--virtual-stages", type=models.positive, metavar="N", help="stages a rank (interleaved)")
    parser.add_argument("--schedule", default="1f1b", metavar="S")
    parser.add_argument("--transport", default="threads", metavar="T")
    parser.add_argument("--partition", default="uniform", metavar="P")
    parser.add_argument(
        "--simd", nargs="+", choices=LEVELS, metavar="LEVEL", default=None,
        help=f"vector levels: {', '.join(LEVELS)} (default: all that this CPU can run)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the start and the tokens")
    parser.add_argument(
        "--relu-margin", type=float, default=2.0, metavar="X",
        help="moves the biases before ReLU by this, up or down, so that its jump at 0 does not make correct programs "
        "differ; 0 leaves them (default: 2)",
    )  # fmt: skip
    parser.add_argument("--top", type=models.positive, default=5, metavar="N", help="tensors shown of each kind")
    parser.add_argument("--timeout", type=models.positive_real, default=600.0, metavar="SECONDS", help="of one run")
    return parser.parse_args(arguments)


def workload_of(arch: str, options: argparse.Namespace) -> Workload:
    """An architecture's workload with the sizes that were given."""
    given = {
        "vocab": options.vocab_size, "dim": options.dim, "layers": options.layers, "heads": options.heads,
        "ffn": options.ffn, "seq": options.seq_len, "batch": options.batch_size,
        "microbatches": options.microbatches, "lr": options.lr,
    }  # fmt: skip
    if options.dim is not None and options.ffn is None:
        given["ffn"] = models.default_ffn(arch, options.dim)
    return replace(DEFAULTS[arch], **{name: value for name, value in given.items() if value is not None})


def levels_of(options: argparse.Namespace) -> List[str]:
    """The levels that were asked for, or all that this CPU can run, as `ppthreads doctor` says."""
    if options.simd is not None:
        return list(options.simd)
    done = subprocess.run([str(options.ppthreads.resolve()), "doctor"], capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("kernels")]
    levels = [level for level in LEVELS if lines and re.search(rf"can run:.*\b{level}\b", lines[0])]
    if not levels:
        raise CheckError("ppthreads doctor does not say which vector levels this CPU can run")
    return levels


def command_of(options: argparse.Namespace, level: str) -> List[str]:
    """The binary, `run`, and how it is to run."""
    command = [str(options.ppthreads.resolve()), "run", "--stages", str(options.stages)]
    command += ["--schedule", options.schedule, "--transport", options.transport, "--partition", options.partition]
    command += ["--simd", level]
    if options.virtual_stages is not None:
        command += ["--virtual-stages", str(options.virtual_stages)]
    return command


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Checks what was asked for; returns the exit status."""
    options = parse(arguments)
    torch.set_num_threads(1)
    archs = models.ARCHITECTURES if options.arch == "both" else (options.arch,)
    try:
        levels = levels_of(options)
    except (CheckError, OSError) as error:
        print(f"check_parity: {error}", file=sys.stderr)
        return 1
    verdicts = [
        verdict(arch, level, workload_of(arch, options), command_of(options, level), options)
        for level in levels
        for arch in archs
    ]
    passed = all(ok for ok, _ in verdicts)
    print(f"{'PASS' if passed else 'FAIL'}: {'; '.join(phrase for _, phrase in verdicts)}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
