#!/usr/bin/env python3
"""Trains what `ppthreads run` trains with PyTorch's own pipeline, and prints one JSON object of what was measured.

The schedules are those of torch.distributed.pipelining, over gloo on the loopback interface, with one forked process a
rank. `--schedule none` is PyTorch without a pipeline: one process with `--threads` threads, which accumulates gradients
over the microbatches. Flags and JSON keys mean what they mean in `ppthreads run`. Exits 1 when a run fails and 2 when
the command line is wrong, each with one line.

README.md beside this file says which of PyTorch's choices it takes, and why.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import logging
import multiprocessing
import os
import signal
import socket
import statistics
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Callable, Dict, List, NoReturn, Optional, Sequence, Tuple, Union

os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # Read when torch is loaded; its warnings are not the one line.

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed import pipelining

import torch_models as models

SCHEDULES = {
    "gpipe": pipelining.ScheduleGPipe,
    "1f1b": pipelining.Schedule1F1B,
    "interleaved": pipelining.ScheduleInterleaved1F1B,
}
NO_PIPELINE = "none"
LOOPBACK = "127.0.0.1"
PR_SET_PDEATHSIG = 1
GRACE_SECONDS = 0.5  # For all ranks to end when one failed, so that the cause is told and not a consequence.
Model = Union[models.Decoder, models.GPT]
Message = Union["RankReport", str]


class Failure(Exception):
    """Why there is no result, in one line, and the exit status."""

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.status = status


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
        count = job.stages * job.virtual_stages
        self.first, self.last, self.microbatches = rank == 0, rank == job.stages - 1, job.microbatches
        indices = range(rank, count, job.stages)
        self.modules = [Stage(model, index, count) for index in indices]
        cpu = torch.device("cpu")
        stages = [pipelining.PipelineStage(own, index, count, cpu) for own, index in zip(self.modules, indices)]
        held = stages if job.schedule == "interleaved" else stages[0]
        # Dividing the loss instead of the gradients (scale_grads) saves PyTorch a pass over all of them.
        self.schedule = SCHEDULES[job.schedule](held, job.microbatches, loss_fn=self.loss, scale_grads=False)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        return nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten()) / self.microbatches

    def __call__(self, inputs: Tensor, targets: Tensor) -> float:
        """Forwards and backwards of a step; the loss on the last rank."""
        losses: List[Tensor] = []
        arguments = (inputs,) if self.first else ()
        expected = {"target": targets, "losses": losses} if self.last else {}
        self.schedule.step(*arguments, return_outputs=False, **expected)
        return sum(loss.item() for loss in losses)


def train_rank(job: Job, rank: int, cpus: List[int]) -> RankReport:
    """Trains one rank's part."""
    model, tokens = job.model(), job.tokens()
    if job.schedule == NO_PIPELINE:
        modules: List[nn.Module] = [model]
        run: Callable[[Tensor, Tensor], float] = lambda x, y: models.accumulate_gradients(model, x, y, job.microbatches)
    else:
        run = pipeline = Pipeline(job, rank, model)
        modules = pipeline.modules
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


def die_with_parent(parent: int) -> None:
    """Has the system kill this process when its parent ends, however that ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def join_group(job: Job, rank: int, listener: socket.socket) -> None:
    """Starts gloo on the loopback interface. Rank 0 serves the store, on a port that has been open since the fork."""
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    port, serves, limit = listener.getsockname()[1], rank == 0, timedelta(seconds=job.timeout)
    descriptor = listener.detach() if serves else None
    store = dist.TCPStore(LOOPBACK, port, job.stages, serves, limit, master_listen_fd=descriptor)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=job.stages, timeout=limit)


def rank_main(job: Job, rank: int, listener: socket.socket, parent: int, pipe: Connection) -> None:
    """A rank's process: sends a RankReport, or a sentence that says why there is none."""
    die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent alone tells of it.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    logging.disable()  # PyTorch logs a whole schedule when an action fails.
    try:
        cpus = pin(job, rank)
        if job.schedule != NO_PIPELINE:
            join_group(job, rank, listener)
        result: Message = train_rank(job, rank, cpus)
        if job.schedule != NO_PIPELINE:
            dist.destroy_process_group()
    except Exception as error:  # Whatever it is, the parent tells it.
        result = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    pipe.send(result)


def run_ranks(job: Job) -> List[RankReport]:
    """Forks all ranks and collects their reports; none is alive afterwards."""
    context = multiprocessing.get_context("fork")
    processes: List[BaseProcess] = []
    pipes: List[Connection] = []
    with socket.create_server((LOOPBACK, 0), backlog=128) as listener:
        try:
            for rank in range(job.stages):
                receiving, sending = context.Pipe(duplex=False)
                pipes.append(receiving)
                arguments = (job, rank, listener, os.getpid(), sending)
                process = context.Process(target=rank_main, args=arguments, daemon=True)
                process.start()
                processes.append(process)
                sending.close()
            return collect(processes, pipes)
        finally:
            for process in processes:
                process.kill()
                process.join()


def collect(processes: Sequence[BaseProcess], pipes: Sequence[Connection]) -> List[RankReport]:
    """Waits for every rank's report. Raises as soon as one cannot come."""
    messages: Dict[int, Message] = {}
    while len(messages) < len(pipes):
        for pipe in wait([pipe for rank, pipe in enumerate(pipes) if rank not in messages]):
            rank = pipes.index(pipe)
            with suppress(EOFError, OSError):  # It ended without a word.
                messages[rank] = pipe.recv()
            if not isinstance(messages.get(rank), RankReport):
                raise Failure(cause(processes, messages))
    return [message for _, message in sorted(messages.items()) if isinstance(message, RankReport)]


def cause(processes: Sequence[BaseProcess], messages: Dict[int, Message]) -> str:
    """The likeliest first failure: a rank that was killed makes its neighbours complain of closed connections."""
    deadline = time.monotonic() + GRACE_SECONDS
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
    codes = [process.exitcode or 0 for process in processes]
    killed = [f"rank {rank} was killed by {signal.Signals(-code).name}" for rank, code in enumerate(codes) if code < 0]
    told = [f"rank {rank}: {text}" for rank, text in messages.items() if isinstance(text, str)]
    return (killed + told + ["a rank ended without a word"])[0]


def summary(job: Job, reports: Sequence[RankReport]) -> Dict[str, object]:
    """The JSON object."""
    moments = zip(zip(*(rank.released for rank in reports)), zip(*(rank.finished for rank in reports)))
    steps = [(max(finished) - min(released)) / 1e9 for released, finished in moments][job.warmup_steps :]
    median = statistics.median(steps)
    return {
        **asdict(job), "parameters": sum(rank.parameters for rank in reports), "partition": "uniform",
        "transport": "gloo" if job.schedule != NO_PIPELINE else "none", "torch": torch.__version__,
        "cpus": [rank.cpus for rank in reports], "tokens_per_s": job.batch_size * job.seq_len / median,
        "step_s_median": median, "step_s_min": min(steps), "step_s_max": max(steps), "step_s": steps,
        "loss": reports[-1].losses[-1], "loss_history": reports[-1].losses,
    }  # fmt: skip


class Parser(argparse.ArgumentParser):
    """Answers a wrong command line with one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        raise Failure(message, status=2)


def parse(arguments: Optional[Sequence[str]]) -> argparse.Namespace:
    """Reads the command line."""
    parser = Parser(description="Trains what `ppthreads run` trains with torch.distributed.pipelining over gloo.")
    counts = {"microbatches": 4, "layers": 4, "heads": 4, "dim": 240, "vocab-size": 10000, "seq-len": 64}
    counts |= {"batch-size": 8, "measure-steps": 10, "threads": 1}
    parser.add_argument("--arch", choices=models.ARCHITECTURES, default="decoder")
    parser.add_argument("--schedule", choices=(*SCHEDULES, NO_PIPELINE), default="1f1b", help="none: one process")
    parser.add_argument("--stages", type=models.positive, metavar="N", help="ranks [2; 1 without a pipeline]")
    for flag, standard in counts.items():
        parser.add_argument(f"--{flag}", type=models.positive, default=standard, metavar="N", help=f"[{standard}]")
    parser.add_argument("--ffn", type=models.positive, metavar="N", help="[2048; gpt 4 x dim]")
    parser.add_argument("--warmup-steps", type=int, default=3, metavar="N", help="[3]")
    parser.add_argument("--lr", type=models.positive_real, default=3e-4, metavar="X", help="of Adam [0.0003]")
    parser.add_argument("--init", metavar="FILE", help="start from a safetensors checkpoint")
    parser.add_argument("--data", metavar="FILE", help="16-bit tokens instead of random ones")
    parser.add_argument("--timeout", type=models.positive_real, default=60.0, metavar="SECONDS", help="of a wait [60]")
    return parser.parse_args(arguments)


def job_of(options: argparse.Namespace) -> Job:
    """The job, checked."""
    stages = options.stages or (1 if options.schedule == NO_PIPELINE else 2)
    ffn = options.ffn or models.default_ffn(options.arch, options.dim)
    virtual = max(1, options.layers // stages) if options.schedule == "interleaved" else 1  # One layer a stage.
    job = Job(**{**options.__dict__, "stages": stages, "ffn": ffn, "virtual_stages": virtual})
    for is_wrong, text in problems(job):
        if is_wrong:
            raise Failure(text, status=2)
    return job


def problems(job: Job) -> List[Tuple[bool, str]]:
    """What may not be: ppthreads' limits, then PyTorch's own."""
    M, P, L = job.microbatches, job.stages, job.layers
    interleaved, rounds = job.schedule == "interleaved", max(1, M // P)
    return [
        (job.warmup_steps < 0, f"--warmup-steps: {job.warmup_steps} is not allowed; at least 0"),
        (job.schedule == NO_PIPELINE and P > 1, f"--stages: without a pipeline there is one, not {P}"),
        (P > L, f"--stages: {L} layers cannot be cut into {P} stages"),
        (interleaved and L % P != 0, f"--stages: {L} layers on {P} ranks do not make whole stages of one layer each"),
        (job.dim % job.heads != 0, f"--heads: {job.heads} heads do not divide dim {job.dim}"),
        (job.batch_size % M != 0, f"--microbatches: {M} do not divide a batch of {job.batch_size} sequences"),
        (job.schedule == "1f1b" and M < P, f"--microbatches: PyTorch's 1F1B needs one a rank, {P}, not {M}"),
        (interleaved and M % rounds != 0, f"--microbatches: PyTorch interleaves {M} in {rounds} equal rounds"),
    ]


def interrupt(number: int, _: object) -> NoReturn:
    """Turns a signal into an exception, so that the ranks are ended on the way out."""
    raise Failure(f"interrupted by {signal.Signals(number).name}")


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Runs what was asked for; returns the exit status."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    try:
        job = job_of(parse(arguments))
        print(json.dumps(summary(job, run_ranks(job)), indent=2))
    except (Failure, OSError) as error:
        print(f"torch_pipeline: {error}", file=sys.stderr)
        return error.status if isinstance(error, Failure) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
