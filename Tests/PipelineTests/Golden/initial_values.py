# SPDX-License-Identifier: Apache-2.0
"""How parameters start, worked out from the description alone: shapes and bounds from PyTorch's documentation and nanoGPT, numbers
by SplitMix64's mixing function on a counter (Steele et al. 2014) and Box and Muller's transform.

Prints the rows of InitialValueTests.swift. Usage: python3 initial_values.py
"""

import math
import struct

MASK = (1 << 64) - 1
SEED = 7
VOCABULARY, DIM, HIDDEN, LENGTH = 37, 24, 40, 7


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def fnv(name):
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


def unit(name, index):
    key = mix((SEED + mix(fnv(name))) & MASK)
    bits = mix((key + (index + 1) * 0x9E3779B97F4A7C15) & MASK)
    return (bits >> 11) / (1 << 53)


def single(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def value(name, kind, size, index):
    if kind == "constant":
        return size
    if kind == "uniform":
        return (2 * unit(name, index) - 1) * single(size)
    radius = math.sqrt(-2 * math.log(1 - unit(name, 2 * index)))
    return radius * math.cos(2 * math.pi * unit(name, 2 * index + 1)) * single(size)


def linear(name, outputs, inputs):
    return [(f"{name}.weight", [outputs, inputs], "uniform", 1 / math.sqrt(inputs)),
            (f"{name}.bias", [outputs], "uniform", 1 / math.sqrt(inputs))]


def norm(name):
    return [(f"{name}.weight", [DIM], "constant", 1.0), (f"{name}.bias", [DIM], "constant", 0.0)]


def attention(name):
    # torch.nn.init.xavier_uniform_ of in_proj_weight [3 dim, dim].
    return [(f"{name}.in_proj_weight", [3 * DIM, DIM], "uniform", math.sqrt(6 / (DIM + 3 * DIM))),
            (f"{name}.in_proj_bias", [3 * DIM], "constant", 0.0),
            (f"{name}.out_proj.weight", [DIM, DIM], "uniform", 1 / math.sqrt(DIM)),
            (f"{name}.out_proj.bias", [DIM], "constant", 0.0)]


def decoder():
    rows = [("tok_embeddings.weight", [VOCABULARY, DIM], "normal", 1.0)]
    name = "layers.0"
    rows += attention(f"{name}.self_attn") + attention(f"{name}.multihead_attn")
    rows += linear(f"{name}.linear1", HIDDEN, DIM) + linear(f"{name}.linear2", DIM, HIDDEN)
    for which in (1, 2, 3):
        rows += norm(f"{name}.norm{which}")
    return rows + norm("norm") + linear("output", VOCABULARY, DIM)


def gpt(layers):
    def made(name, outputs, inputs, deviation=0.02):
        return [(f"{name}.weight", [outputs, inputs], "normal", deviation), (f"{name}.bias", [outputs], "constant", 0.0)]

    rows = [("transformer.wte.weight", [VOCABULARY, DIM], "normal", 0.02),
            ("transformer.wpe.weight", [LENGTH, DIM], "normal", 0.02)]
    before_residual = 0.02 / math.sqrt(2 * layers)
    for layer in range(layers):
        name = f"transformer.h.{layer}"
        rows += norm(f"{name}.ln_1") + norm(f"{name}.ln_2")
        rows += made(f"{name}.attn.c_attn", 3 * DIM, DIM) + made(f"{name}.attn.c_proj", DIM, DIM, before_residual)
        rows += made(f"{name}.mlp.c_fc", HIDDEN, DIM) + made(f"{name}.mlp.c_proj", DIM, HIDDEN, before_residual)
    return rows + norm("transformer.ln_f") + [("lm_head.weight", [VOCABULARY, DIM], "normal", 0.02)]


def show(rows):
    for name, shape, kind, size in rows:
        count = math.prod(shape)
        values = [value(name, kind, size, index) for index in (0, 1, count - 1)]
        numbers = ", ".join(f"{v:.9g}" for v in values)
        print(f'        Row("{name}", {shape}, .{kind}({size:.9g}), [{numbers}]),')


show(decoder())
print()
show(gpt(2))
