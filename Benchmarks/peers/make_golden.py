#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the golden files that the Swift tests compare with: a start, tokens, and what PyTorch makes of them.

Each architecture gets a folder with `init.safetensors`, `tokens.bin`, `grads_step1.safetensors`,
`grads_step3.safetensors`, `weights_step3.safetensors` and `golden.json` (sizes and losses). Gradients are those of the
step's update, before it. Seeds are fixed, but another PyTorch version or CPU may change the last bits of a result.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Optional, Sequence, Tuple

import torch

import torch_models as models

DEFAULT_OUT = Path(__file__).resolve().parents[2] / "Tests" / "PipelineTests" / "Golden"


@dataclass(frozen=True)
class Case(models.Sizes):
    """Sizes of one golden run; the field names are the keys of golden.json."""

    batch: int
    microbatches: int
    lr: float = 1e-3
    steps: int = 3


DECODER = Case("decoder", vocab=37, dim=24, layers=2, heads=3, ffn=40, seq=7, batch=6, microbatches=3)
GPT = Case("gpt", vocab=41, dim=20, layers=2, heads=4, ffn=80, seq=9, batch=4, microbatches=2)

# Tokens in the file: fewer than the three steps read, so that places wrap around. The decoder's 101 end inside a row;
# gpt's 90 end with a row, so that one wraps in its last target alone and the next starts over at 0.
TOKENS = {DECODER: 101, GPT: 90}

# Chosen so that no input of a ReLU in the decoder's three steps lies nearer to 0 than 2e-4, hundreds of times the
# rounding: its derivative jumps there, so a last bit that differs could change gradients by percents.
SEED = 6


def train(
    case: Case, init: models.NamedTensors, tokens: torch.Tensor, steps: int
) -> Tuple[torch.nn.Module, models.Training]:
    """A model after `steps` steps from `init`, and its losses and last gradients."""
    model = case.build()
    model.load_state_dict(init)
    return model, models.train(model, tokens, steps, case.batch, case.seq, case.microbatches, case.lr)


def write(case: Case, folder: Path) -> None:
    """Writes the folder of one case."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    start = case.build()
    models.perturb(start, seed=2)
    models.save_weights(start, folder / "init.safetensors")
    models.write_tokens(models.random_tokens(TOKENS[case], case.vocab, seed=3), folder / "tokens.bin")

    init = models.load_tensors(folder / "init.safetensors")
    tokens = models.read_tokens(folder / "tokens.bin")
    _, first = train(case, init, tokens, steps=1)
    model, last = train(case, init, tokens, case.steps)
    models.save_tensors(first.gradients, folder / "grads_step1.safetensors")
    models.save_tensors(last.gradients, folder / f"grads_step{case.steps}.safetensors")
    models.save_weights(model, folder / f"weights_step{case.steps}.safetensors")
    facts = json.dumps({**asdict(case), "losses": last.losses}, indent=4)
    (folder / "golden.json").write_text(facts + "\n", encoding="utf-8")


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Writes both folders; returns the exit status."""
    parser = argparse.ArgumentParser(description="Writes the golden files of the Swift tests.")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="folder (default: Tests/PipelineTests/Golden)")
    out = parser.parse_args(arguments).out
    torch.set_num_threads(1)
    try:
        for case in (DECODER, GPT):
            write(case, out / case.arch)
    except OSError as error:
        print(f"make_golden: {error}", file=sys.stderr)
        return 1
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(f"wrote {DECODER.arch} and {GPT.arch}: {size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
