# SPDX-License-Identifier: Apache-2.0
"""What is fuzzed: for each kind of file the sound inputs that are changed, and the commands that read them.

A new kind is a function that returns a `Kind`, and an entry in `KINDS`.
"""

import json
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from mutations import CELL_CHANGES, JSON_CHANGES

SMALL = [
    "--n-heads", "1", "--dim", "4", "--ffn", "4", "--vocab-size", "300", "--seq-len", "2", "--warmup", "0", "--measure", "1",
]  # fmt: skip
"""Of a model of few numbers, for one step."""
MODEL = ["--n-layers", "2", *SMALL, "--batch-size", "1", "--microbatches", "1", "--stages", "1"]
"""One that trains in a fraction of a millisecond."""


@dataclass
class Kind:
    seeds: list
    """Sound files, each as bytes."""
    commands: list
    """For each command the name of the file and its words after `ppthreads`; FILE and FOLDER stand for paths."""
    changes: list = None
    """What is done to the seeds, if not everything in equal shares."""
    refusal: bytes = None
    """A regular expression: what the message has that goes with exit code 65."""


def _made(command, folder, words, name):
    """A file that the command itself makes."""
    path = Path(folder) / name
    words = [word.replace("FILE", str(path)) for word in words]
    subprocess.run([command, *words], check=True, stdout=subprocess.DEVNULL)
    return path.read_bytes()


def csv(command, folder):
    """Results as `analyze` reads them: ours, the reference study's runs, and its summary."""
    names = (
        "schedule,world_size,layers,heads,hidden_dim,seq_len,batch_size,microbatches,threads,avg_step_time_s,total_time_s,"
        "tokens_per_s,timestamp,transport,virtual_stages,simd,dropout,work_s,imbalance_s,bubble_s,oversubscription_s,"
        "transport_s,optimizer_s,repeat,host,cpu,error"
    )
    rows = [names]
    for number in range(16):
        schedule, ranks, batches = ("gpipe", "1f1b", "interleaved", "zb-h1")[number % 4], 1 + number // 8, 2 + number // 4 % 2
        rows.append(
            f"{schedule},{ranks},{4 + number % 3},4,240,64,8,{batches},1,0.5{number},1.0,{1000 + number}.5,"
            f"2026-01-01T00:{10 + number}:00Z,threads,{1 + number % 2},avx2,0.0,0.2,0.05,0.1,0.0,0.1,0.0{number},"
            f'{number % 2},"a ""b"", c",cpu,{"rank 1 died" if number == 5 else ""}'
        )
    reference = [
        "schedule,world_size,layers,heads,hidden_dim,seq_len,batch_size,microbatches,threads,avg_step_time_s,total_time_s,"
        "tokens_per_s,timestamp",
        "gpipe,2,4,4,240,64,8,4,1,0.8,0.8,640.0,2025-09-20 10:00:00",
        "1f1b,2,4,4,240,64,8,4,1,0.64,0.64,800.0,1757000000",
        "1f1b,2,8,4,240,64,8,4,1,0.64,0.64,800.0,1757000000",
    ]
    summary = [
        "layers,heads,Model Size,Processes,schedule,Tokens per Second,Average Step Time (s),Total Time (s),Speedup vs GPipe,"
        "Scaling Efficiency (%)",
        "4,4,4L-4H,2,1f1b,749.93,0.682733,0.682733,1.2020227924794435,60.10113962397218",
        "4,4,4L-4H,2,gpipe,623.89,0.820664,0.820664,1.0,50.0",
    ]
    texts = ["\n".join(lines) + "\n" for lines in (rows, reference, summary)]
    seeds = [text.encode() for text in texts] + [b"\xef\xbb\xbf" + texts[0].replace("\n", "\r\n").encode()]
    outputs = ["--summary", "FOLDER/summary.csv", "--html", "FOLDER/page.html", "--svg", "FOLDER"]
    return Kind(seeds, [("results.csv", ["analyze", "FILE", *outputs])])


def sweep(command, folder):
    """Results as `sweep` goes on with them: its own, as a spreadsheet program saves them, and of an older format."""
    words = ["sweep", *MODEL, "--schedule", "gpipe,1f1b", "--out", "FILE"]
    made = _made(command, folder, words, "seed.csv")
    spreadsheet = b"\xef\xbb\xbf" + made.replace(b"\n", b"\r\n")
    rows = [line.split(",") for line in made.decode().splitlines()]
    new = {"lr", "seed", "data", "init", "timeline", "tries", "disturbance"}
    places = [place for place, name in enumerate(rows[0]) if name not in new]
    older = "".join(",".join(row[place] for place in places) + "\n" for row in rows).encode()
    return Kind([made, spreadsheet, older], [("results.csv", words)])


def trace(command, folder):
    """Traces as `trace` draws them."""
    words = ["run", "--n-layers", "2", *MODEL[2:], "--stages", "2", "--measure", "2", "--trace", "FILE"]
    made = _made(command, folder, words, "seed.json")
    events = [
        {"ph": "X", "pid": 0, "tid": rank, "ts": 100.5 * place, "dur": 90, "name": name, "cat": kind, "args": {"step": 3}}
        for rank in (0, 1)
        for place, (name, kind) in enumerate([("pack", "packing"), ("F0", "forward"), ("no input", "wait"), ("B0", "backward")])
    ]
    small = json.dumps({"traceEvents": events}).encode()
    return Kind([small, small, made], [("trace.json", ["trace", "FILE"])], JSON_CHANGES)


def safetensors(command, folder):
    """Weights as `run --init` reads them: ours with the model's settings, and as PyTorch's library writes them."""
    made = _made(command, folder, ["run", *MODEL, "--save", "FILE"], "seed.safetensors")
    length = struct.unpack("<Q", made[:8])[0]
    header, weights = json.loads(made[8 : 8 + length]), made[8 + length :]
    header.pop("__metadata__")

    def file(header, weights=weights):
        text = json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + weights

    first = next(iter(header))
    escaped = file(header).replace(first.encode(), "".join(f"\\u{ord(letter):04x}" for letter in first).encode())
    escaped = struct.pack("<Q", len(escaped) - 8 - len(weights)) + escaped[8:]
    # Of another model, so that changes of the header decide what is said, and few of them fall on weights.
    entry = {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]}
    tiny = [file({}, b""), file({"w": entry}, bytes(8)), file({"__metadata__": {"format": "pt"}, "w": entry}, bytes(8))]
    return Kind([made, file(header), escaped, *tiny], [("weights.safetensors", ["run", *MODEL, "--init", "FILE"])])


def tokens(command, folder):
    """Texts and tokens as `run --data` reads them: bytes, nanoGPT's 16-bit tokens, 32-bit ones, llm.c's with their headers;
    and NumPy's files, which it refuses."""
    narrow, wide = struct.pack("<40H", *range(40)), struct.pack("<40I", *range(40))
    headers = [struct.pack("<256i", magic, version, 40, *[0] * 253) for magic, version in [(20240520, 1), (20240801, 7)]]
    description = b"{'descr': '<u2', 'fortran_order': False, 'shape': (40,), }".ljust(117) + b"\n"
    numpy = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(description)) + description + narrow
    words = ["run", *MODEL, "--data", "FILE"]
    formats = [("tokens.bin", [*words, "--data-format", name]) for name in ("bytes", "u16", "u32", "llm.c")]
    commands = [("tokens.txt", words), ("tokens.bin", words), ("tokens.u32", words), *formats]
    return Kind([b"To be, or not to be\n" * 3, narrow, wide, headers[0] + narrow, headers[1] + wide, numpy], commands)


def schedule(command, folder):
    """Orders as `schedule` draws them, and as runs train by them: with and without transfers, of several stages a rank, in the old
    grammar, overlapped, and of forwards alone. A refusal names row and column, but for what is not there."""
    choices = ["1f1b -p 2 -m 2", "zb-v -p 2 -m 3", "zb-h1 -p 3 -m 3", "hanayo -p 2 -m 2", "gpipe -p 2 -m 2 --forward-only"]
    forms = [(words, form) for words in choices for form in ("--csv", "--comms")]
    seeds = [_made(command, folder, ["schedule", *words.split(), form, "FILE"], "seed.csv") for words, form in forms]
    old = b"0F0,0F1,0B0,0W0,0B1,0W1\n1F0,1BW0,1F1,1BW1\n"
    overlapped = b"0F0,0F1,(0F2;0B0)OVERLAP_F_B,0B1,0B2\n1F0,1B0,1F1,1B1,,1F2,1B2\n"
    model = ["--layers", "8", *SMALL, "--batch-size", "12", "--schedule", "FILE"]
    commands = [
        ("order.csv", ["schedule", "FILE", "--svg", "FOLDER/a", "--csv", "FOLDER/b", "--comms", "FOLDER/c"]),
        ("order.csv", ["schedule", "FILE", "--json"]),
        ("order.csv", ["run", *model, "--timeout", "5"]),
    ]
    refusal = rb"row \d+, column \d+: |row \d+: (?:\S+ is missing|the row has no action|more than)|: no row has an action"
    return Kind([*seeds, old, overlapped], commands, CELL_CHANGES, refusal)


def layout(command, folder):
    """Cuts as `run --partition` reads them."""
    seeds = [b"E a f a f | a f a f H\n", b"Et|t\n t L", b"E t*2|(t|)*1 t H"]
    words = ["run", "--layers", "4", *SMALL, "--batch-size", "2", "--microbatches", "2", "--partition", "FILE"]
    return Kind(seeds, [("cut.txt", words)])


KINDS = {
    "csv": csv, "sweep": sweep, "trace": trace, "safetensors": safetensors, "tokens": tokens, "schedule": schedule,
    "layout": layout,
}  # fmt: skip
