# SPDX-License-Identifier: Apache-2.0
"""Draws latency by load: python plot.py FILE.png < rows.json, rows as suite/latency.py makes them."""

import json
import sys

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402


def main():
    rows = json.load(sys.stdin)
    figure, axes = pyplot.subplots(figsize=(8, 5))
    loads = [row["load"] * 100 for row in rows]
    for name, colour in (("p50", "C0"), ("p99", "C1"), ("p99.9", "C3")):
        for key, style, label in ((f"{name}_us", "o-", name), (f"ideal_{name}_us", "x:",
                                                               f"{name}, ideal queue")):
            axes.plot(loads, [row[key] / 1000 if row[key] else None for row in rows], style,
                      color=colour, label=label)
    axes.set_yscale("log")
    axes.set_xlabel("load, % of capacity")
    axes.set_ylabel("latency, ms")
    axes.set_title("torchere-server, cnn10ms: latency by load, open loop")
    axes.grid(True, which="both", alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(sys.argv[1], dpi=120)


if __name__ == "__main__":
    main()
