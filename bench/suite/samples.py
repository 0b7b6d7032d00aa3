# SPDX-License-Identifier: Apache-2.0
"""Short samples in shuffled order, so that the machine's noise meets all alike; their medians."""

import random
import statistics
import sys

# Cores that other processes may have used during a sample that counts, where there are such.
QUIET_CORES = 0.3


def interleave(takers, rounds):
    """Calls each of takers {key: function} once a round; the median of each one's samples."""
    order = random.Random(1)
    samples = {key: [] for key in takers}
    for number in range(rounds):
        keys = list(takers)
        order.shuffle(keys)
        for key in keys:
            progress(f"round {number + 1} of {rounds}: {key}")
            samples[key].append(takers[key]())
    return {key: median(taken) for key, taken in samples.items()}


def median(samples):
    """Of dicts with equal keys: medians of the numbers, of the quiet samples where there are any;
    sums of the counts in dicts; else what the last one says."""
    quiet = [s for s in samples if s.get("other_cores", 0) <= QUIET_CORES] or samples
    return {key: _middle([s[key] for s in quiet if key in s]) for key in quiet[-1]}


def _middle(values):
    if all(isinstance(value, (int, float)) for value in values):
        return statistics.median(values)
    if all(isinstance(value, dict) for value in values):
        keys = {key for value in values for key in value}
        if all(isinstance(value.get(key, 0), int) for value in values for key in keys):
            return {key: sum(value.get(key, 0) for value in values) for key in sorted(keys)}
    return values[-1]


def quantile(ordered, share):
    """Of a sorted sequence."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def progress(text):
    """One line on a terminal that is written over; nothing elsewhere."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()
