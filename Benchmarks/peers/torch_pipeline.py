#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
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
from dataclasses import asdict
from datetime import timedelta
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Callable, Dict, List, NoReturn, Optional, Sequence, Tuple, Union

os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # Read when torch is loaded; its warnings are not the one line.

import torch
import torch.distributed as dist

import torch_models as models
from torch_rank import NO_PIPELINE, SCHEDULES, Job, RankReport, pin, train_rank

LOOPBACK = "127.0.0.1"
PR_SET_PDEATHSIG = 1
GRACE_SECONDS = 0.5  # For all ranks to end when one failed, so that the cause is told and not a consequence.
Message = Union[RankReport, str]
Work = Callable[[Job, int, List[int]], RankReport]


class Failure(Exception):
    """Why there is no result, in one line, and the exit status."""

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.status = status


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


def rank_main(job: Job, work: Work, rank: int, listener: socket.socket, parent: int, pipe: Connection) -> None:
    """A rank's process: sends a RankReport, or a sentence that says why there is none."""
    die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent alone tells of it.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    logging.disable()  # PyTorch logs a whole schedule when an action fails.
    try:
        cpus = pin(job, rank)
        if job.schedule != NO_PIPELINE:
            join_group(job, rank, listener)
        result: Message = work(job, rank, cpus)
        if job.schedule != NO_PIPELINE:
            dist.destroy_process_group()
    except Exception as error:  # Whatever it is, the parent tells it.
        result = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    pipe.send(result)


def run_ranks(job: Job, work: Work = train_rank) -> List[RankReport]:
    """Forks all ranks, which do the work, and collects their reports; none is alive afterwards."""
    context = multiprocessing.get_context("fork")
    processes: List[BaseProcess] = []
    pipes: List[Connection] = []
    with socket.create_server((LOOPBACK, 0), backlog=128) as listener:
        try:
            for rank in range(job.stages):
                receiving, sending = context.Pipe(duplex=False)
                pipes.append(receiving)
                arguments = (job, work, rank, listener, os.getpid(), sending)
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
