# SPDX-License-Identifier: Apache-2.0
"""Schedules' files on PyTorch's side, for `check_schedules.py`: its runtime trains by one, its schedules write them.

_PipelineScheduleRuntime, _load_csv, _dump_csv and _Action are private to PyTorch and may change; these are 2.13's.
"""

from __future__ import annotations

import csv
from collections import ChainMap
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Dict, List, Sequence

from torch import Tensor, nn
from torch.distributed import pipelining
from torch.distributed.pipelining import schedules

import torch_models as models
from comparing import Result
from parity_sides import STEPS, Files, Workload
from torch_pipeline import run_ranks
from torch_rank import Job, Model, Pipeline, RankReport, train_modules

FORMATS = ("compute_only", "compute_comms")
WRITERS = {
    "interleaved": pipelining.ScheduleInterleaved1F1B,
    "looped-bfs": pipelining.ScheduleLoopedBFS,
    "interleaved-zb": pipelining.ScheduleInterleavedZeroBubble,
    "zb-v": pipelining.ScheduleZBVZeroBubble,
    "dualpipe-v": pipelining.ScheduleDualPipeV,
}
"""PyTorch's schedules that write files, by ppthreads' names."""


# ---- PyTorch trains by a file ----


def ranks_of_stages(path: Path) -> Dict[int, int]:
    """Which rank has each stage in a file that ppthreads wrote: no empty cells, none in parentheses."""
    with path.open(newline="", encoding="ascii") as file:
        rows = [[schedules._Action.from_str(cell) for cell in row] for row in csv.reader(file)]
    return {action.stage_index: rank for rank, row in enumerate(rows) for action in row}


@dataclass(frozen=True)
class FileJob(Job):
    """Training by a schedule's file, of one of FORMATS; a rank leaves its gradients and weights in the folder."""

    form: str
    ranks: Dict[int, int]
    folder: Path

    def stages_of(self, rank: int) -> Sequence[int]:
        """The stages that the file's row has, ascending."""
        return sorted(stage for stage, owner in self.ranks.items() if owner == rank)

    def gradients(self, rank: int) -> Path:
        return self.folder / f"gradients_rank{rank}.safetensors"

    def weights(self, rank: int) -> Path:
        return self.folder / f"weights_rank{rank}.safetensors"


class FilePipeline(Pipeline):
    """A rank's stages and PyTorch's runtime, which takes the order, and the stages' ranks, from the file."""

    def schedule_of(self, job: Job, stages: List[pipelining.PipelineStage]) -> schedules.PipelineScheduleMulti:
        assert isinstance(job, FileJob)
        # The file's REDUCE_GRAD divides the gradients by M, so the loss is not divided.
        runtime = schedules._PipelineScheduleRuntime(stages, job.microbatches, loss_fn=self.loss, scale_grads=True)
        runtime._load_csv(job.schedule, format=job.form)
        return runtime

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        return nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())

    def __call__(self, inputs: Tensor, targets: Tensor) -> float:
        return super().__call__(inputs, targets) / self.microbatches


def train_by_file(job: Job, rank: int, cpus: List[int]) -> RankReport:
    """Trains one rank's part, and writes what became of it."""
    assert isinstance(job, FileJob)
    model: Model = job.model()
    pipeline = FilePipeline(job, rank, model)
    report = train_modules(job, pipeline, pipeline.modules, cpus)
    own = {id(parameter) for module in pipeline.modules for parameter in module.parameters()}
    named = {name: parameter for name, parameter in model.named_parameters() if id(parameter) in own}
    models.save_tensors({name: p.grad for name, p in named.items() if p.grad is not None}, job.gradients(rank))
    models.save_tensors(named, job.weights(rank))
    return report


def run_file(path: Path, form: str, workload: Workload, files: Files, timeout: float) -> Result:
    """What PyTorch's runtime makes of a file that ppthreads wrote, in forked processes over gloo."""
    ranks = ranks_of_stages(path)
    count = 1 + max(ranks.values())
    job = FileJob(
        workload.arch, str(path), count, len(ranks) // count, workload.microbatches, 1, workload.layers, workload.heads,
        workload.dim, workload.ffn, workload.vocab, workload.seq, workload.batch, 0, STEPS, workload.lr,
        str(files.init), str(files.tokens), timeout, form, ranks, files.folder,
    )  # fmt: skip
    reports = run_ranks(job, train_by_file)
    gradients = ChainMap(*(models.load_tensors(job.gradients(rank)) for rank in range(count)))
    weights = ChainMap(*(models.load_tensors(job.weights(rank)) for rank in range(count)))
    return Result(reports[ranks[len(ranks) - 1]].losses, dict(gradients), dict(weights))


# ---- PyTorch writes a file ----


def write_file(name: str, ranks: int, microbatches: int, form: str, path: Path) -> None:
    """Has PyTorch's schedule of that name write itself, with two stages a rank."""
    # Until they run, schedules ask stages for no more than this, and no process group is needed.
    sizes = {"num_stages": 2 * ranks, "group_size": ranks, "group_rank": 0, "submod": None}
    stages = [SimpleNamespace(**sizes) for _ in range(2)]
    WRITERS[name](stages, microbatches, loss_fn=nn.functional.cross_entropy)._dump_csv(str(path), format=form)
