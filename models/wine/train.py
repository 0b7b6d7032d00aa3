# SPDX-License-Identifier: Apache-2.0
"""Trains the sample model "wine": tells the cultivar from a chemical analysis.

Writes, under --out (default: this folder),
  1/model.pt             the model as TorchScript: features [n, 13] FP32, in the
                         units of the data set -> label [n] INT64 and
                         probabilities [n, 3] FP32
  samples/*.npy, *.csv   inputs from the test split
  samples/expected.json  what the saved model answers to each of them
Ends with exit code 1 and writes nothing where the accuracy on the test split is
under the bar. Needs torch, scikit-learn and numpy.
"""

import argparse
import csv
import io
import json
import sys
import warnings
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import sklearn
import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from torch import nn

SEED = 20260
EPOCHS = 300
LEARNING_RATE = 1e-2
WEIGHT_DECAY = 1e-2
MINIMUM_ACCURACY = 0.95
BATCH_SAMPLE_ROWS = 16
CULTIVARS = ("Barolo", "Grignolino", "Barbera")


class Prediction(NamedTuple):
    label: torch.Tensor
    probabilities: torch.Tensor


class Wine(nn.Module):
    """Standardisation, then one hidden layer. `mean` and `deviation`: [13]."""

    def __init__(self, mean: torch.Tensor, deviation: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.layers = nn.Sequential(nn.Linear(13, 16), nn.ReLU(), nn.Linear(16, 3))

    @torch.jit.export
    def logits(self, features: torch.Tensor) -> torch.Tensor:
        return self.layers((features - self.mean) / self.deviation)

    def forward(self, features: torch.Tensor) -> Prediction:
        probabilities = torch.softmax(self.logits(features), dim=1)
        return Prediction(label=probabilities.argmax(dim=1), probabilities=probabilities)


def load_split() -> tuple[np.ndarray, ...]:
    """Returns features (float32 [n, 13]) and classes of the two splits."""
    data = load_wine()
    features, classes = data.data.astype(np.float32), data.target.astype(np.int64)
    train, test = train_test_split(
        np.arange(len(classes)), test_size=0.3, random_state=SEED, stratify=classes
    )
    return features[train], classes[train], features[test], classes[test]


def train(features: np.ndarray, classes: np.ndarray) -> Wine:
    torch.manual_seed(SEED)
    inputs, targets = torch.from_numpy(features), torch.from_numpy(classes)
    model = Wine(inputs.mean(dim=0), inputs.std(dim=0))
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    for epoch in range(1, EPOCHS + 1):
        loss = nn.functional.cross_entropy(model.logits(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 50 == 0:
            print(f"epoch {epoch:3d}  loss {loss.item():.4f}")
    return model.eval()


def write_archive(module: torch.jit.ScriptModule, path: Path) -> None:
    """Saves without the debug records: they name this machine's folders."""
    saved = io.BytesIO()
    torch.jit.save(module, saved)
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(path, "w") as target:
        for entry in source.infolist():
            if not entry.filename.endswith((".debug_pkl", "/serialization_id")):
                target.writestr(entry, source.read(entry))


def answer(model: torch.jit.ScriptModule, features: np.ndarray) -> Prediction:
    with torch.inference_mode():
        return Prediction(*model(torch.from_numpy(features)))


def expectation(prediction: Prediction, classes: np.ndarray) -> dict[str, list]:
    labels = prediction.label.tolist()
    return {
        "label": labels,
        "probabilities": [
            [float(f"{p:.9g}") for p in row] for row in prediction.probabilities.numpy()
        ],
        "class": labels,
        "true_class": classes.tolist(),
    }


def write_samples(
    model: torch.jit.ScriptModule, features: np.ndarray, classes: np.ndarray, folder: Path
) -> None:
    """Writes the first test row of each cultivar, and the first rows as a batch."""
    folder.mkdir(parents=True, exist_ok=True)
    expected = {}
    for index, cultivar in enumerate(CULTIVARS):
        row = int(np.flatnonzero(classes == index)[0])
        name = f"wine_{cultivar.lower()}.npy"
        sample, true_class = features[row : row + 1], classes[row : row + 1]
        np.save(folder / name, sample)
        expected[name] = expectation(answer(model, sample), true_class)

    batch, batch_classes = features[:BATCH_SAMPLE_ROWS], classes[:BATCH_SAMPLE_ROWS]
    batch_expected = expectation(answer(model, batch), batch_classes)
    name = f"wine_batch_of_{BATCH_SAMPLE_ROWS}"
    np.save(folder / f"{name}.npy", batch)
    expected[f"{name}.npy"] = batch_expected
    with (folder / f"{name}.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*load_wine().feature_names, "true_class", "cultivar"])
        for row, true_class in zip(batch, batch_classes, strict=True):
            writer.writerow([*(str(value) for value in row), true_class, CULTIVARS[true_class]])
    expected[f"{name}.csv"] = batch_expected
    lines = [f"{json.dumps(name)}: {json.dumps(answers)}" for name, answers in expected.items()]
    (folder / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="model's folder")
    out = parser.parse_args().out

    warnings.filterwarnings("ignore", r"`torch\.jit\.", FutureWarning)
    # One thread and fixed algorithms: a second run gives the same weights.
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    print(f"torch {torch.__version__}, scikit-learn {sklearn.__version__}, numpy {np.__version__}")

    train_features, train_classes, test_features, test_classes = load_split()
    model = train(train_features, train_classes)
    scripted = torch.jit.script(model)
    right = int((answer(scripted, test_features).label.numpy() == test_classes).sum())
    accuracy = right / len(test_classes)
    print(f"parameters {sum(p.numel() for p in model.parameters())}")
    print(f"rows: train {len(train_classes)}, test {len(test_classes)}")
    print(f"test accuracy {accuracy:.4f} ({right} of {len(test_classes)})")
    if accuracy < MINIMUM_ACCURACY:
        print(f"the accuracy is under {MINIMUM_ACCURACY}: nothing written", file=sys.stderr)
        return 1

    archive = out / "1" / "model.pt"
    write_archive(scripted, archive)
    write_samples(torch.jit.load(archive), test_features, test_classes, out / "samples")
    return 0


if __name__ == "__main__":
    sys.exit(main())
