#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The figures that Tests/PipelineTests/EstimateTests.swift, StudentTTests.swift and Tests/CommandTests/VerdictTests.swift expect,
worked out apart from the program, with numpy and scipy.

    python3 Benchmarks/statistics/intervals.py
"""
import math

import numpy as np
from scipy import stats

AWKWARD = [1.31, 0.97, 1.02, 1.9, 0.88, 1.0, 1.07, 1.01, 0.99, 1.13, 2.4, 0.9]
OTHER = [1.12, 1.05, 0.93, 1.2, 1.0, 0.97, 0.88, 1.06, 1.01, 0.91, 1.3, 0.99]
SLOW = [100, 104, 97, 130, 99, 101, 108, 102]
FAST = [91, 93, 90, 119, 88, 93, 96, 95]


def missed(n, below, above):
    """How likely an interval that leaves out so many sorted values misses the median: sums of binomial probabilities."""
    p = [math.comb(n, i) / 2**n for i in range(n + 1)]
    return sum(p[: below + 1]) + sum(p[: above + 1])


def ranks(n):
    """How many values are left out at either end."""
    choices = [(b, a) for b in range(n // 2) for a in (b, b + 1) if b + a < n]
    return min(choices, key=lambda c: abs(0.05 - missed(n, *c)))


def nearest(sample):
    x, n = sorted(sample), len(sample)
    b, a = ranks(n)
    # No two of seven values are within two points of 95 %.
    high = x[n - 1 - a] if n != 7 else 0.9 * x[n - 1 - a] + 0.1 * x[n - a]
    return x[b], high


def simultaneous(sample, comparisons):
    x, n = np.sort(sample), len(sample)
    allowed = 0.04 / comparisons
    if missed(n, 0, 0) > allowed:
        # The confidence interval of the mean as scipy has it, and all values.
        low, high = stats.t.interval(1 - allowed, n - 1, np.mean(x), stats.sem(x))
        return min(low, x[0]), max(high, x[-1])
    d = max(d for d in range(1, n // 2 + 1) if missed(n, d - 1, d - 1) <= allowed)  # the paper's d counts from 1
    if 2 * d >= n:
        return x[d - 1], x[n - d]
    outer, inner = 1 - missed(n, d - 1, d - 1), 1 - missed(n, d, d)
    part = (outer - (1 - allowed)) / (outer - inner)
    weight = (n - d) * part / (d + (n - 2 * d) * part)
    return (1 - weight) * x[d - 1] + weight * x[d], (1 - weight) * x[n - d] + weight * x[n - d - 1]


if __name__ == "__main__":
    print("one figure")
    for n in (5, 6, 7, 8, 12):
        print(f"({n}, {float(np.median(AWKWARD[:n]))!r}, {nearest(AWKWARD[:n])}),")
    print("one of several figures")
    for n in (5, 8, 12):
        for k in (1, 3, 42):
            low, high = simultaneous(AWKWARD[:n], k)
            print(f"({n}, {k}, {low:.9f}, {high:.9f}),")
    print("ratios within rounds")
    for n in (5, 8, 12):
        for k in (1, 7):
            logs = np.log(np.array(AWKWARD[:n]) / np.array(OTHER[:n]))
            low, high = np.exp(simultaneous(logs, k))
            print(f"({n}, {k}, {math.exp(np.median(logs)):.9f}, {low:.9f}, {high:.9f}),")
    print("coverage of one figure's interval, %")
    for n in range(5, 31):
        print(f"{n}: {100 - 100 * missed(n, *ranks(n)):.2f}" + (" or more" if n == 7 else ""))
    print("verdicts: steps in ms, of which the update takes 5")
    for name, base, other in (("seen", SLOW, FAST), ("not seen", AWKWARD, OTHER)):
        for n in (3, 5, 8):
            for k in (1, 7):
                a, b = np.array(base[:n]), np.array(other[:n])
                logs = np.log(a / b)
                low, high = np.exp(simultaneous(logs, k)) if n >= 5 else (math.nan, math.nan)
                change = np.median(b - a) * (1 if name == "seen" else 100)
                print(f"{name}, {n} trials, {k} at once: x{math.exp(np.median(logs)):.3f} [{low:.3f}, {high:.3f}]", end="")
                print(f" work {change:+.1f} ms")
    print("Student's t:")
    for misses, freedom in [(0.04 / 42, 4), (0.04 / 7, 7), (1e-6, 5), (0.04, 1), (0.3, 30)]:
        print(f"({misses!r}, {freedom}, {stats.t.isf(misses / 2, freedom):.10g}),")
