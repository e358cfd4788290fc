# SPDX-License-Identifier: Apache-2.0
"""What one rank of torch_pipeline.py does: its stages, PyTorch's schedule over them, and the steps that it times."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, List, Optional, Sequence, Union

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed import pipelining
from torch.distributed.pipelining import schedules

import torch_models as models

SCHEDULES = {
    "gpipe": pipelining.ScheduleGPipe,
    "1f1b": pipelining.Schedule1F1B,
    "interleaved": pipelining.ScheduleInterleaved1F1B,
}
NO_PIPELINE = "none"
Model = Union[models.Decoder, models.GPT]
Schedule = Union[schedules.PipelineScheduleSingle, schedules.PipelineScheduleMulti]


@dataclass(frozen=True)
class Job:
    """What is trained, and how. Names are those of ppthreads' JSON."""

    arch: str
    schedule: str
    stages: int
    virtual_stages: int
    microbatches: int
    threads: int
    layers: int
    heads: int
    dim: int
    ffn: int
    vocab_size: int
    seq_len: int
    batch_size: int
    warmup_steps: int
    measure_steps: int
    lr: float
    init: Optional[str]
    data: Optional[str]
    timeout: float

    @property
    def steps(self) -> int:
        return self.warmup_steps + self.measure_steps

    def stages_of(self, rank: int) -> Sequence[int]:
        """The stages of a rank, in a loop."""
        return range(rank, self.stages * self.virtual_stages, self.stages)

    def model(self) -> Model:
        """The whole model, the same in every process."""
        torch.manual_seed(0)
        sizes = {"vocab": self.vocab_size, "dim": self.dim, "layers": self.layers, "heads": self.heads}
        model = models.build(self.arch, **sizes, seq=self.seq_len, ffn=self.ffn)
        if self.init is not None:
            model.load_state_dict(models.load_tensors(Path(self.init)))
        return model

    def tokens(self) -> Tensor:
        """The tokens of the file, or as many random ones as all steps read."""
        if self.data is not None:
            return models.read_tokens(Path(self.data))
        return models.random_tokens(self.steps * self.batch_size * self.seq_len + 1, self.vocab_size, seed=1)


@dataclass(frozen=True)
class RankReport:
    """What one rank measured; moments in nanoseconds of the system's monotonic clock, which all processes share."""

    released: List[int]
    finished: List[int]
    losses: List[float]
    parameters: int
    cpus: List[int]


class ContiguousGradient(torch.autograd.Function):
    """Makes the gradient to send contiguous: that of a batch-first layer's input is strided, and gloo refuses it."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        return gradient.contiguous()


class Stage(nn.Module):
    """Whole layers [s L / K, (s + 1) L / K) of K stages, and the model's ends: ppthreads' uniform partition."""

    def __init__(self, model: Model, index: int, count: int) -> None:
        super().__init__()
        if isinstance(model, models.Decoder):
            layers, start, end = model.layers.values(), [model.tok_embeddings], [model.norm, model.output]
        else:
            parts = model.transformer
            layers, start, end = parts["h"], [parts["wte"], parts["wpe"]], [parts["ln_f"], model.lm_head]
        own = slice(index * len(layers) // count, (index + 1) * len(layers) // count)
        self.needs_memory = isinstance(model, models.Decoder)
        self.embeddings = nn.ModuleList(start if index == 0 else [])
        self.layers = nn.ModuleList(list(layers)[own])
        self.head = nn.Sequential(*(end if index == count - 1 else []))

    def forward(self, x: Tensor) -> Tensor:
        """Activations, or tokens on the first stage, to activations, or logits on the last."""
        x = self.embed(x) if len(self.embeddings) > 0 else ContiguousGradient.apply(x)
        for layer in self.layers:
            x = layer(x, x) if self.needs_memory else layer(x)
        return self.head(x)

    def embed(self, tokens: Tensor) -> Tensor:
        """Token embeddings, plus those of positions where the model has them."""
        x = self.embeddings[0](tokens)
        return x if self.needs_memory else x + self.embeddings[1](torch.arange(tokens.shape[1]))


def processors() -> List[int]:
    """The CPUs that this process may use in ppthreads' order: one of each core before its hyper-threads."""
    allowed = sorted(os.sched_getaffinity(0))
    topology = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
    cores = [Path(topology.format(cpu)).read_text(encoding="ascii") for cpu in allowed]
    places = [cores[:index].count(core) for index, core in enumerate(cores)]
    return [cpu for _, cpu in sorted(zip(places, allowed))]


def pin(job: Job, rank: int) -> List[int]:
    """Gives each thread of a rank a CPU; what gloo starts later stays on its rank's. OpenMP's threads spin for each
    other, so that two on one CPU, where the system may leave them for seconds, take ten times as long a step."""
    cpus = processors()
    torch.set_num_threads(job.threads)
    before = set(os.listdir("/proc/self/task"))
    torch.ones(1 << 20).add_(1)  # Starts OpenMP's threads.
    started = sorted(int(task) for task in set(os.listdir("/proc/self/task")) - before)
    taken = [cpus[(rank * job.threads + thread) % len(cpus)] for thread in range(job.threads)]
    for task, cpu in zip([os.getpid(), *started], taken):
        os.sched_setaffinity(task, {cpu})
    return taken


class Pipeline:
    """A rank's stages and PyTorch's schedule over them."""

    def __init__(self, job: Job, rank: int, model: Model) -> None:
        count, indices = job.stages * job.virtual_stages, job.stages_of(rank)
        self.first, self.last, self.microbatches = 0 in indices, count - 1 in indices, job.microbatches
        self.modules = [Stage(model, index, count) for index in indices]
        cpu = torch.device("cpu")
        stages = [pipelining.PipelineStage(own, index, count, cpu) for own, index in zip(self.modules, indices)]
        self.schedule = self.schedule_of(job, stages)

    def schedule_of(self, job: Job, stages: List[pipelining.PipelineStage]) -> Schedule:
        """PyTorch's own schedule of the name."""
        held = stages if job.schedule == "interleaved" else stages[0]
        # Dividing the loss instead of the gradients (scale_grads) saves PyTorch a pass over all of them.
        return SCHEDULES[job.schedule](held, job.microbatches, loss_fn=self.loss, scale_grads=False)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        return nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten()) / self.microbatches

    def __call__(self, inputs: Tensor, targets: Tensor) -> float:
        """Forwards and backwards of a step; the loss on the last stage's rank."""
        losses: List[Tensor] = []
        arguments = (inputs,) if self.first else ()
        expected = {"target": targets, "losses": losses} if self.last else {}
        self.schedule.step(*arguments, return_outputs=False, **expected)
        return sum(loss.item() for loss in losses)


def train_rank(job: Job, rank: int, cpus: List[int]) -> RankReport:
    """Trains one rank's part."""
    model = job.model()
    if job.schedule == NO_PIPELINE:
        run = lambda x, y: models.accumulate_gradients(model, x, y, job.microbatches)
        return train_modules(job, run, [model], cpus)
    pipeline = Pipeline(job, rank, model)
    return train_modules(job, pipeline, pipeline.modules, cpus)


def train_modules(
    job: Job, run: Callable[[Tensor, Tensor], float], modules: Sequence[nn.Module], cpus: List[int]
) -> RankReport:
    """Trains modules: `run` makes the gradients of a batch and returns its loss."""
    tokens = job.tokens()
    parameters = [parameter for module in modules for parameter in module.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=job.lr, fused=True)
    report = RankReport([], [], [], sum(p.numel() for p in parameters), cpus)
    for step in range(job.steps):
        inputs, targets = models.batches(tokens, step, job.batch_size, job.seq_len)
        if job.schedule != NO_PIPELINE:
            dist.barrier()
        report.released.append(time.monotonic_ns())
        optimizer.zero_grad(set_to_none=True)
        report.losses.append(run(inputs, targets))
        optimizer.step()
        report.finished.append(time.monotonic_ns())
    return report
