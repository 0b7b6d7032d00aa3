# SPDX-License-Identifier: Apache-2.0
"""Trains the sample model "digits": a small CNN that reads handwritten digits.

Writes, under --out (default: this folder),
  1/model.pt             the model as TorchScript: pixels [n, 1, 8, 8] FP32 in
                         0..1 (1 is ink) -> probabilities [n, 10] FP32
  samples/*.npy, *.png   inputs from the test split
  samples/expected.json  what the saved model answers to each of them
Ends with exit code 1 and writes nothing where the accuracy on the test split is
under the bar. Needs torch, scikit-learn, numpy and pillow.
"""

import argparse
import io
import json
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import sklearn
import torch
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

SEED = 20260
EPOCHS = 60
BATCH_ROWS = 64
LEARNING_RATE = 2e-3
MINIMUM_ACCURACY = 0.98
BATCH_SAMPLE_ROWS = 16


class Digits(nn.Module):
    """Two convolutions, one pooling, two dense layers."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(32 * 4 * 4, 32),
            nn.ReLU(),
            nn.Linear(32, 10),
        )

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return torch.softmax(self.layers(pixels), dim=1)


def load_split() -> tuple[np.ndarray, ...]:
    """Returns pixels and classes of the two splits, and the test rows' indices.

    Pixels are float32 [n, 1, 8, 8] in 0..1; indices are those of load_digits().
    """
    data = load_digits()
    pixels = (data.images / 16.0).astype(np.float32)[:, None, :, :]
    classes = data.target.astype(np.int64)
    train, test = train_test_split(
        np.arange(len(classes)), test_size=0.25, random_state=SEED, stratify=classes
    )
    return pixels[train], classes[train], pixels[test], classes[test], test


def train(pixels: np.ndarray, classes: np.ndarray) -> Digits:
    torch.manual_seed(SEED)
    model = Digits()
    inputs, targets = torch.from_numpy(pixels), torch.from_numpy(classes)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    steps = EPOCHS * -(-len(inputs) // BATCH_ROWS)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    for epoch in range(1, EPOCHS + 1):
        total = 0.0
        for rows in torch.randperm(len(inputs)).split(BATCH_ROWS):
            loss = nn.functional.cross_entropy(model.layers(inputs[rows]), targets[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(rows)
        if epoch % 10 == 0:
            print(f"epoch {epoch:3d}  loss {total / len(inputs):.4f}")
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


def answer(model: torch.jit.ScriptModule, pixels: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return model(torch.from_numpy(pixels)).numpy()


def expectation(probabilities: np.ndarray, classes: np.ndarray) -> dict[str, list]:
    return {
        "probabilities": [[float(f"{p:.9g}") for p in row] for row in probabilities],
        "class": probabilities.argmax(axis=1).tolist(),
        "true_class": classes.tolist(),
    }


def write_samples(
    model: torch.jit.ScriptModule,
    pixels: np.ndarray,
    classes: np.ndarray,
    indices: np.ndarray,
    folder: Path,
) -> None:
    """Writes the first test row of each class, and the first rows as a batch."""
    folder.mkdir(parents=True, exist_ok=True)
    expected = {}
    for digit in range(10):
        row = int(np.flatnonzero(classes == digit)[0])
        name = f"digit_{indices[row]}_is_{digit}"
        sample, true_class = pixels[row : row + 1], classes[row : row + 1]
        np.save(folder / f"{name}.npy", sample)
        expected[f"{name}.npy"] = expectation(answer(model, sample), true_class)

        grey = np.rint(sample[0, 0] * 255).astype(np.uint8)
        Image.fromarray(grey).save(folder / f"{name}.png")
        scanned = (grey / 255.0).astype(np.float32)[None, None]
        expected[f"{name}.png"] = expectation(answer(model, scanned), true_class)

    batch = pixels[:BATCH_SAMPLE_ROWS]
    name = f"digits_batch_of_{BATCH_SAMPLE_ROWS}.npy"
    np.save(folder / name, batch)
    expected[name] = expectation(answer(model, batch), classes[:BATCH_SAMPLE_ROWS])
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

    train_pixels, train_classes, test_pixels, test_classes, test_indices = load_split()
    model = train(train_pixels, train_classes)
    scripted = torch.jit.script(model)
    right = int((answer(scripted, test_pixels).argmax(axis=1) == test_classes).sum())
    accuracy = right / len(test_classes)
    print(f"parameters {sum(p.numel() for p in model.parameters())}")
    print(f"rows: train {len(train_classes)}, test {len(test_classes)}")
    print(f"test accuracy {accuracy:.4f} ({right} of {len(test_classes)})")
    if accuracy < MINIMUM_ACCURACY:
        print(f"the accuracy is under {MINIMUM_ACCURACY}: nothing written", file=sys.stderr)
        return 1

    archive = out / "1" / "model.pt"
    write_archive(scripted, archive)
    write_samples(torch.jit.load(archive), test_pixels, test_classes, test_indices, out / "samples")
    return 0


if __name__ == "__main__":
    sys.exit(main())
