# SPDX-License-Identifier: Apache-2.0
"""What ranks hold by kind, and at most for backwards, worked out from the layers' shapes alone.

Written beside the program and not after it: parameters and what layers keep are listed here again, orders are typed in. The
numbers that it prints stand in MemoryAccountTests.swift. Usage: python3 memory_by_hand.py
"""

VOCABULARY, DIM, LAYERS, HEADS, HIDDEN, LENGTH = 29, 18, 4, 3, 25, 5
BATCH, MICROBATCHES, RANKS = 12, 4, 2
SEQUENCES = BATCH // MICROBATCHES
TOKENS = SEQUENCES * LENGTH
LINE = 64
WORKSPACE = 331776 * 4


def lines(size):
    return (size + LINE - 1) // LINE * LINE


def tensor(*shape):
    count = 1
    for size in shape:
        count *= size
    return lines(4 * count)


def vectors(columns):
    return (columns + 15) // 16 * 16


def linear(inputs, outputs, bias=True):
    """Weights in panels of the transpose, and packed once more for backwards; rows of a fused weight one by one."""
    outputs = outputs if isinstance(outputs, list) else [outputs]
    weights = sum(tensor(inputs, vectors(rows)) for rows in outputs)
    packed = sum(tensor(rows, vectors(inputs)) for rows in outputs)
    return weights + (tensor(sum(outputs)) if bias else 0), packed


def add(*parts):
    return tuple(sum(values) for values in zip(*parts))


T, D, H, NORMS = TOKENS, DIM, HIDDEN, tensor(SEQUENCES * HEADS * LENGTH, 2)
NORM = 2 * tensor(D)
MEANS = 2 * tensor(T)
SCORES = tensor(min(64, LENGTH), LENGTH)

# Of each unit: (weights, packed), what a forward keeps, what a backward keeps for W, scratch.
ATTENTION = NORMS + tensor(T, 3 * D) + tensor(T, D)
UNITS = {
    "gpt": {
        "embedding": ((tensor(VOCABULARY, D) + tensor(LENGTH, D), 0), 0, 0, 0),
        "attention": (
            add((NORM, 0), linear(D, 3 * D), linear(D, D)),
            MEANS + ATTENTION + tensor(T, D), tensor(T, 3 * D) + tensor(T, D), 2 * SCORES + tensor(T, D)),
        "feed-forward": (
            add((NORM, 0), linear(D, H), linear(H, D)),
            MEANS + 2 * tensor(T, H) + tensor(T, D), tensor(T, H) + tensor(T, D), 0),
        "head": (
            add((NORM, 0), linear(D, VOCABULARY, bias=False)),
            MEANS + tensor(T, D) + tensor(T, VOCABULARY), tensor(T, D), tensor(T, 2)),
    },
    "decoder": {
        "embedding": ((tensor(VOCABULARY, D), 0), 0, 0, 0),
        "attention": (
            add((2 * NORM, 0), linear(D, [3 * D]), linear(D, D), linear(D, [D, 2 * D]), linear(D, D)),
            2 * MEANS + ATTENTION + NORMS + tensor(T, D) + tensor(T, 2 * D) + tensor(T, D) + 3 * tensor(T, D),
            tensor(T, 3 * D) + tensor(T, D) + tensor(T, 2 * D) + 3 * tensor(T, D), 4 * SCORES + 2 * tensor(T, D)),
        "feed-forward": (
            add((NORM, 0), linear(D, H), linear(H, D)),
            MEANS + tensor(T, H) + tensor(T, D), tensor(T, H) + tensor(T, D), 0),
        "head": (
            add((NORM, 0), linear(D, VOCABULARY)),
            MEANS + tensor(T, D) + tensor(T, VOCABULARY), tensor(T, D), tensor(T, 2)),
    },
}


def stage_units(stage, stages):
    each = LAYERS // stages
    names = ["attention", "feed-forward"] * each
    return (["embedding"] if stage == 0 else []) + names + (["head"] if stage == stages - 1 else [])


class Stage:
    def __init__(self, arch, stage, stages, splits, recomputes):
        units = [UNITS[arch][name] for name in stage_units(stage, stages)]
        inner = len(units) - 1
        self.last, self.first = stage == stages - 1, stage == 0
        self.weights = sum(unit[0][0] for unit in units)
        self.packed = sum(unit[0][1] for unit in units)
        self.input = 0 if self.first else 4 * T * D
        self.output = 0 if self.last else 4 * T * D
        self.stash = sum(unit[1] for unit in units) + inner * tensor(T, D)
        if recomputes and not self.last:
            self.stash += tensor(T, D)
        between = (inner if splits else min(2, inner)) * tensor(T, D)
        kept = [unit[2] for unit in units]
        self.gradient = between + (sum(kept) if splits else max(kept))
        self.scratch = max(unit[3] for unit in units)


# Orders of two ranks and four microbatches, as (kind, chunk, microbatch).
def order(text):
    actions = []
    for word in text.split():
        kind, rest = word[0], word[1:]
        chunk, microbatch = rest.split(".") if "." in rest else ("0", rest)
        actions.append((kind, int(chunk), int(microbatch)))
    return actions


ORDERS = {
    "gpipe": ["F0 F1 F2 F3 B0 B1 B2 B3"] * 2,
    "1f1b": ["F0 F1 B0 F2 B1 F3 B2 B3", "F0 B0 F1 B1 F2 B2 F3 B3"],
    "interleaved": [
        "F0.0 F0.1 F1.0 F1.1 F0.2 B1.0 F0.3 B1.1 F1.2 B0.0 F1.3 B0.1 B1.2 B1.3 B0.2 B0.3",
        "F0.0 F0.1 F1.0 B1.0 F1.1 B1.1 F0.2 B0.0 F0.3 B0.1 F1.2 B1.2 F1.3 B1.3 B0.2 B0.3",
    ],
    "zb-h1": ["F0 F1 I0 W0 F2 I1 W1 F3 I2 W2 I3 W3", "F0 I0 F1 I1 W0 F2 I2 W1 F3 I3 W2 W3"],
}


def peak(stages, actions, recomputes, frames):
    """The most bytes between the action that keeps them and the one that lets go."""
    held = sum(count * stage.stash for stage, count in zip(stages, frames)) if recomputes else 0
    most = held
    for kind, chunk, _ in actions:
        stage = stages[chunk]
        own = stage.input + (0 if recomputes else stage.stash)
        gradient = stage.gradient + stage.output
        held += {"F": own, "I": gradient, "B": 0, "W": 0}[kind]
        most = max(most, held)
        held -= {"F": 0, "I": 0, "B": own, "W": own + gradient}[kind]
    return most


def together(actions, chunk, starts, ends):
    """The most microbatches of a chunk at once between two kinds of action."""
    held = most = 0
    for kind, own, _ in actions:
        if own != chunk:
            continue
        held += kind in starts
        most = max(most, held)
        held -= kind in ends
    return most


def frames(actions, chunk, recomputes):
    if not recomputes:
        return together(actions, chunk, "F", "BW")
    # A forward works in a frame of its own beside those that wait for their W.
    held = most = 0
    for kind, own, _ in actions:
        if own != chunk:
            continue
        held += kind in "I"
        most = max(most, held + (kind in "FB"))
        held -= kind in "W"
    return most


def main():
    for arch in ["decoder", "gpt"]:
        for name, texts in ORDERS.items():
            for recomputes in [False, True]:
                chunks = 2 if name == "interleaved" else 1
                for rank, text in enumerate(texts):
                    actions = order(text)
                    stages = [
                        Stage(arch, chunk * RANKS + rank, chunks * RANKS, name == "zb-h1", recomputes)
                        for chunk in range(chunks)]
                    count = [frames(actions, chunk, recomputes) for chunk in range(chunks)]
                    kept = [max(1, together(actions, chunk, "I", "W")) for chunk in range(chunks)]
                    weights = sum(stage.weights for stage in stages)
                    # Tokens of the first stage, targets of the last, a loss for each microbatch, the step; each on its line.
                    tokens = 4 * BATCH * LENGTH
                    batch = sum(lines(tokens) for stage in stages if stage.first)
                    batch += sum(lines(tokens) for stage in stages if stage.last) + tensor(MICROBATCHES) + 4
                    print(f'("{arch}", "{name}", {str(recomputes).lower()}, {rank}): [{weights}, {weights}, {2 * weights}, '
                          f'{sum(stage.packed for stage in stages)}, '
                          f'{sum(n * stage.stash for n, stage in zip(count, stages))}, '
                          f'{sum(n * stage.gradient for n, stage in zip(kept, stages))}, '
                          f'{max(stage.scratch for stage in stages) + WORKSPACE}, {batch}, '
                          f'{peak(stages, actions, recomputes, count)}],')


main()
