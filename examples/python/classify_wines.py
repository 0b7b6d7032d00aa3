# SPDX-License-Identifier: Apache-2.0
"""Reads wines from a CSV file and writes them with the cultivar that the model `wine` tells.

    python classify_wines.py wines.csv > classified.csv

The file has a header with the names of the 13 measurements (models/wine/README.md), in any order;
other columns are kept. Rows go to the server in batches.
"""

import argparse
import csv
import sys

import numpy as np
from tqdm import tqdm

import torchere

MEASUREMENTS = [
    "alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols",
    "flavanoids", "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue",
    "od280/od315_of_diluted_wines", "proline",
]  # fmt: skip


def read_wines(path):
    """The rows as dicts, and their columns."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            wines, columns = list(reader), reader.fieldnames or []
    except OSError as error:
        sys.exit(f"{path}: {error.strerror}")
    except (UnicodeDecodeError, csv.Error) as error:
        sys.exit(f"{path}: not a CSV file in UTF-8: {error}")
    missing = [name for name in MEASUREMENTS if name not in columns]
    if missing:
        sys.exit(f"{path}: no column {', '.join(missing)}")
    for number, wine in enumerate(wines, 1):
        if None in wine:  # where DictReader puts what is over
            sys.exit(f"{path}: wine {number}: more fields than the header's {len(columns)}")
    return wines, columns


def features_of(wines, first_row, path):
    """The measurements of a batch: float32 [rows, 13]."""
    rows = []
    for number, wine in enumerate(wines, first_row):
        try:
            rows.append([float(wine[name]) for name in MEASUREMENTS])
        except (TypeError, ValueError):
            sys.exit(f"{path}: wine {number}: a measurement is not a number")
    return np.array(rows, "float32")


def classify(client, wines, batch_size, path):
    """Yields each wine with `predicted` and `probability`."""
    (probabilities,) = (
        output for output in client.signature("wine").method().outputs
        if output.name == "probabilities"
    )  # fmt: skip
    with tqdm(total=len(wines), unit=" wines", disable=None) as progress:
        for first in range(0, len(wines), batch_size):
            batch = wines[first : first + batch_size]
            answer = client.predict("wine", {"features": features_of(batch, first + 1, path)})
            for wine, label, row in zip(
                batch, answer["label"], answer["probabilities"], strict=True
            ):
                predicted = {"predicted": probabilities.labels[label], "probability": row[label]}
                yield {**wine, **predicted}
            progress.update(len(batch))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", help="CSV with a header")
    parser.add_argument("--server", default="127.0.0.1:8500", metavar="HOST:PORT")
    parser.add_argument("--batch", type=int, default=64, metavar="ROWS", help="rows a request")
    arguments = parser.parse_args()
    if arguments.batch < 1:
        parser.error("--batch must be at least 1")
    wines, columns = read_wines(arguments.file)
    writer = csv.DictWriter(sys.stdout, [*columns, "predicted", "probability"])
    writer.writeheader()
    try:
        with torchere.Client(arguments.server) as client:
            writer.writerows(classify(client, wines, arguments.batch, arguments.file))
    except torchere.Error as error:
        sys.exit(f"{arguments.server}: {error}")


if __name__ == "__main__":
    main()
