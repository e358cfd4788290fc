# SPDX-License-Identifier: Apache-2.0
"""How far two results of the same training lie apart, and how far they may."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence

import torch

import torch_models as models

LOSS_LIMIT = 1e-5
TENSOR_LIMIT = 1e-4


class CheckError(Exception):
    """Why a comparison could not be made; one line."""


@dataclass(frozen=True)
class Result:
    """What one side computed: the losses of all steps, the last step's gradients, the weights at the end."""

    losses: List[float]
    gradients: models.NamedTensors
    weights: models.NamedTensors


@dataclass(frozen=True)
class Comparison:
    """One difference and its limit. A difference of NaN is outside every limit."""

    group: str
    name: str
    difference: float
    limit: float

    @property
    def passes(self) -> bool:
        return self.difference <= self.limit

    @property
    def rank(self) -> float:
        """For sorting within a group, whose limits are the same: the larger, the worse."""
        return math.inf if math.isnan(self.difference) else self.difference


def key_third(name: str, tensor: torch.Tensor) -> Optional[slice]:
    """The places of the keys' bias in a bias for queries, keys and values; None for any other tensor."""
    if not name.endswith((".in_proj_bias", ".attn.c_attn.bias")):
        return None
    third = tensor.numel() // 3
    return slice(third, 2 * third)


def check_layout(group: str, expected: models.NamedTensors, actual: models.NamedTensors) -> None:
    """Raises unless names, shapes and types agree."""
    missing, extra = sorted(expected.keys() - actual.keys()), sorted(actual.keys() - expected.keys())
    if missing or extra:
        raise CheckError(f"{group}: ppthreads' file lacks {missing or 'nothing'} and has besides {extra or 'nothing'}")
    for name, tensor in expected.items():
        got = actual[name]
        if got.shape != tensor.shape or got.dtype != tensor.dtype:
            form, right = f"{got.dtype} {list(got.shape)}", f"{tensor.dtype} {list(tensor.shape)}"
            raise CheckError(f"{group}: {name} is {form}, not {right}")


def relative_difference(expected: torch.Tensor, actual: torch.Tensor) -> float:
    """The norm of the difference over the norm of what is expected."""
    difference = float((actual.double() - expected.double()).norm())
    norm = float(expected.double().norm())
    if norm == 0:
        return 0.0 if difference == 0 else math.inf
    return difference / norm


def without(tensor: torch.Tensor, part: Optional[slice]) -> torch.Tensor:
    """A vector without some places; anything as it is when `part` is None."""
    return tensor if part is None else torch.cat([tensor[: part.start], tensor[part.stop :]])


def compare_tensors(group: str, expected: models.NamedTensors, actual: models.NamedTensors) -> List[Comparison]:
    """Compares all tensors, but of the keys' biases only whether they are finite."""
    check_layout(group, expected, actual)
    comparisons = []
    for name, tensor in expected.items():
        keys = key_third(name, tensor)
        difference = relative_difference(without(tensor, keys), without(actual[name], keys))
        if not bool(torch.isfinite(actual[name]).all()):
            difference = math.nan
        comparisons.append(Comparison(group, name, difference, TENSOR_LIMIT))
    return comparisons


def compare_losses(group: str, expected: Sequence[float], actual: Sequence[float]) -> List[Comparison]:
    """Compares the losses of all steps."""
    return [
        Comparison(group, f"step {step}: {theirs:.7f}, PyTorch {ours:.7f}", abs(theirs - ours), LOSS_LIMIT)
        for step, (ours, theirs) in enumerate(zip(expected, actual), start=1)
    ]


def compare_results(expected: Dict[int, Result], actual: Dict[int, Result]) -> List[Comparison]:
    """Compares everything, given the results by number of steps."""
    comparisons = []
    for steps in sorted(expected):
        run = f"{steps}-step run"
        ours, theirs = expected[steps], actual[steps]
        comparisons += compare_losses(f"loss, {run}", ours.losses, theirs.losses)
        comparisons += compare_tensors(f"gradients, step {steps}", ours.gradients, theirs.gradients)
        comparisons += compare_tensors(f"weights, after step {steps}", ours.weights, theirs.weights)
    return comparisons
