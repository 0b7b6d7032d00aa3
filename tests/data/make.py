# SPDX-License-Identifier: Apache-2.0
"""Writes the model files of this folder that tests load; README.md lists them.

    PYTHONHASHSEED=0 python tests/data/make.py [--out FOLDER]

Needs torch (2.15.0 wrote the committed files). With PYTHONHASHSEED=0 a second
run writes the same bytes: TorchScript prints some lists in hash order.
"""

import argparse
import enum
import io
import json
import random
import warnings
import zipfile
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Tuple

import numpy
import torch
from torch import Tensor, nn


class Ranking(NamedTuple):
    scores: Tensor
    names: List[str]


class Ranker(nn.Module):
    """Ranks named signals by their weighted mean, best first."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.tensor([0.5, 1.0, 2.0]))

    def forward(self, signals: Dict[str, Tensor], top: int = 2) -> Ranking:
        names = [name for name in signals.keys()]
        means = torch.stack([(signal * self.weights).mean() for signal in signals.values()])
        order = torch.argsort(means, descending=True)[:top]
        ranked: List[str] = []
        for index in order:
            ranked.append(names[int(index)])
        return Ranking(scores=means[order], names=ranked)


class Point(NamedTuple):
    x: float
    y: float


class Polygon(NamedTuple):
    name: str
    corners: List[Point]
    area: Tensor


class Types(nn.Module):
    """Takes and returns values of each type that a request can carry."""

    def forward(self, x: Tensor) -> Tensor:
        return x

    @torch.jit.export
    def echo(self, x: Tensor) -> Tensor:
        return x

    @torch.jit.export
    def echo_text(self, x: str) -> str:
        return x

    @torch.jit.export
    def echo_int(self, x: int) -> int:
        return x

    @torch.jit.export
    def echo_float(self, x: float) -> float:
        return x

    @torch.jit.export
    def echo_bool(self, x: bool) -> bool:
        return x

    @torch.jit.export
    def echo_optional_tensor(self, x: Optional[Tensor]) -> Optional[Tensor]:
        return x

    @torch.jit.export
    def echo_optional_int(self, x: Optional[int] = None) -> Optional[int]:
        return x

    @torch.jit.export
    def echo_optional_text(self, x: Optional[str] = None) -> Optional[str]:
        return x

    @torch.jit.export
    def echo_optional_ints(self, x: Optional[List[int]] = None) -> Optional[List[int]]:
        return x

    @torch.jit.export
    def echo_ints(self, x: List[int]) -> List[int]:
        return x

    @torch.jit.export
    def echo_floats(self, x: List[float]) -> List[float]:
        return x

    @torch.jit.export
    def echo_bools(self, x: List[bool]) -> List[bool]:
        return x

    @torch.jit.export
    def echo_texts(self, x: List[str]) -> List[str]:
        return x

    @torch.jit.export
    def echo_tensors(self, x: List[Tensor]) -> List[Tensor]:
        return x

    @torch.jit.export
    def echo_optional_tensors(self, x: List[Optional[Tensor]]) -> List[Optional[Tensor]]:
        return x

    @torch.jit.export
    def echo_pair(self, x: Tuple[int, str]) -> Tuple[int, str]:
        return x

    @torch.jit.export
    def echo_pairs(self, x: List[Tuple[int, str]]) -> List[Tuple[int, str]]:
        return x

    @torch.jit.export
    def echo_point(self, x: Point) -> Point:
        return x

    @torch.jit.export
    def echo_polygon(self, x: Polygon) -> Polygon:
        return x

    @torch.jit.export
    def echo_tensor_map(self, x: Dict[str, Tensor]) -> Dict[str, Tensor]:
        return x

    @torch.jit.export
    def echo_text_map(self, x: Dict[str, str]) -> Dict[str, str]:
        return x

    @torch.jit.export
    def echo_float_map(self, x: Dict[int, float]) -> Dict[int, float]:
        return x

    @torch.jit.export
    def echo_deep(self, x: List[Dict[str, List[int]]]) -> List[Dict[str, List[int]]]:
        return x

    @torch.jit.export
    def nothing(self) -> None:
        pass

    @torch.jit.export
    def no_arguments(self) -> int:
        return 42

    @torch.jit.export
    def mixed(
        self, x: Tensor, texts: List[str], limits: Dict[str, float], flag: bool
    ) -> Tuple[Tensor, int, Dict[str, float], bool]:
        return x + 1, len(texts), limits, not flag

    @torch.jit.export
    def with_defaults(
        self,
        x: Tensor,
        scale: float = 2.0,
        shift: int = 1,
        name: str = "plain",
        negate: bool = False,
        bias: Optional[Tensor] = None,
    ) -> Tuple[Tensor, str]:
        y = x * scale + shift
        if bias is not None:
            y = y + bias
        return -y if negate else y, name

    @torch.jit.export
    def keyword_only(self, x: Tensor, *, scale: float, shift: int) -> Tensor:
        return x * scale + shift


class Colour(enum.Enum):
    RED = 1


class Opaque:
    def __init__(self, value: int) -> None:
        self.value = value


class Failing(nn.Module):
    """Fails in a different way in each method; forward works."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(4, 2)
        self.weight = nn.Parameter(torch.ones(3, 2))
        nn.init.ones_(self.table.weight)

    def forward(self, x: Tensor) -> Tensor:
        return x + 1

    @torch.jit.export
    def raises(self, x: Tensor) -> Tensor:
        if x.numel() >= 0:
            raise ValueError("x is not what this model was trained on")
        return x

    @torch.jit.export
    def raises_message(self, message: str) -> str:
        if len(message) >= 0:
            raise ValueError(message)
        return message

    @torch.jit.export
    def asserts(self, x: Tensor) -> Tensor:
        assert x.dim() == 2, "x must have two dimensions"
        return x

    @torch.jit.export
    def looks_up(self, indices: Tensor) -> Tensor:
        return self.table(indices)

    @torch.jit.export
    def selects(self, x: Tensor, indices: Tensor) -> Tensor:
        return torch.index_select(x, 0, indices)

    @torch.jit.export
    def list_item(self, items: List[int], index: int) -> int:
        return items[index]

    @torch.jit.export
    def map_item(self, items: Dict[str, int], key: str) -> int:
        return items[key]

    @torch.jit.export
    def multiplies(self, x: Tensor) -> Tensor:
        return torch.mm(x, self.weight)

    @torch.jit.export
    def divides(self, x: int, y: int) -> int:
        return x // y

    @torch.jit.export
    def allocates(self, elements: int) -> Tensor:
        return torch.zeros([elements], dtype=torch.uint8)

    @torch.jit.export
    def spins(self, n: int) -> Tensor:
        if n > 1_000_000:
            raise ValueError("n must be at most 1000000")
        x = torch.eye(64)
        for _ in range(n):
            x = torch.mm(x, x)
        return x

    @torch.jit.export
    def returns_device(self) -> torch.device:
        return torch.device("cpu")

    @torch.jit.export
    def returns_object(self) -> Opaque:
        return Opaque(1)

    @torch.jit.export
    def returns_enum(self) -> Colour:
        return Colour.RED

    @torch.jit.export
    def returns_complex(self) -> complex:
        return complex(1.0, 2.0)

    @torch.jit.export
    def returns_complex_tensor(self, x: Tensor) -> Tensor:
        return torch.complex(x, x)

    @torch.jit.export
    def returns_sparse_tensor(self, x: Tensor) -> Tensor:
        return x.to_sparse()

    @torch.jit.export
    def returns_quantized_tensor(self, x: Tensor) -> Tensor:
        return torch.quantize_per_tensor(x, 0.1, 0, torch.quint8)

    @torch.jit.export
    def returns_float_keys(self) -> Dict[float, int]:
        return {0.5: 1}

    @torch.jit.export
    def returns_invalid_text(self) -> str:
        # Strings of TorchScript are bytes: this is half of a character.
        return "\u00e9"[0:1]

    @torch.jit.export
    def takes_device(self, device: torch.device) -> int:
        return 1

    @torch.jit.export
    def takes_object(self, x: Opaque) -> int:
        return x.value


class Hanging(nn.Module):
    """Runs until another process ends it."""

    def forward(self, x: Tensor) -> Tensor:
        return x + 1

    @torch.jit.export
    def waits(self, path: str) -> int:
        """Loops until the first of the file's two bytes is not 0."""
        both = torch.from_file(path, True, 2, dtype=torch.uint8)
        looks = 0
        while int(both[0]) == 0:
            # Were nothing written, TorchScript would look once, before the loop.
            both[1].add_(1)
            looks += 1
        return looks


class Stateful(nn.Module):
    """Counts its calls in an attribute and in a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.n = 0
        self.register_buffer("calls", torch.zeros(1, dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        self.n += 1
        return x + self.n

    @torch.jit.export
    def forward_with_buffer(self, x: Tensor) -> Tensor:
        self.calls.add_(1)
        return x + self.calls

    @torch.jit.export
    def count(self) -> int:
        return self.n


class InPlace(nn.Module):
    """Writes into its inputs, or hands them out again."""

    def forward(self, x: Tensor) -> Tensor:
        x.mul_(2)
        return x

    @torch.jit.export
    def writes_and_returns_other(self, x: Tensor) -> Tensor:
        y = x + 1
        x.zero_()
        return y

    @torch.jit.export
    def same(self, x: Tensor) -> Tensor:
        return x

    @torch.jit.export
    def twice(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        return x, x

    @torch.jit.export
    def appends(self, items: List[int]) -> List[int]:
        items.append(len(items))
        return items


class Views(NamedTuple):
    transposed: Tensor
    expanded: Tensor
    sliced: Tensor
    offset: Tensor
    negated: Tensor
    imaginary: Tensor
    no_rows: Tensor
    no_columns: Tensor
    scalar: Tensor
    weight: Tensor


class Viewer(nn.Module):
    """Returns tensors that are not plain: strided, lazy, empty, rank 0, owned by the model."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))

    def forward(self, x: Tensor) -> Views:
        return Views(
            transposed=x.t(),
            expanded=x[:, :1].expand(-1, 4),
            sliced=x[:, ::2],
            offset=x[1:],
            negated=torch._neg_view(x),
            imaginary=torch.complex(x, x).conj().imag,
            no_rows=x[:0],
            no_columns=x[:, :0],
            scalar=x.sum(),
            weight=self.weight.t(),
        )

    @torch.jit.export
    def small_view_of_large(self, n: int) -> Tensor:
        return torch.arange(n)[:1]

    @torch.jit.export
    def channels_last(self, x: Tensor) -> Tensor:
        return x.contiguous(memory_format=torch.channels_last)


class Tagged(NamedTuple):
    hidden: Tensor
    pooled: Tensor


class Tagger(nn.Module):
    """Lets tokens attend to each other, but for those that are masked; and their mean."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(7)
        self.table = nn.Embedding(32, 8)
        self.out = nn.Linear(8, 8)

    def forward(self, tokens: Tensor, attention: Optional[Tensor] = None) -> Tagged:
        x = self.table(tokens)
        mask = torch.ones_like(tokens) if attention is None else attention
        scores = x @ x.transpose(1, 2)
        scores = scores.masked_fill(mask.unsqueeze(1) == 0, -float("inf"))
        hidden = torch.tanh(self.out(torch.softmax(scores, -1) @ x))
        weights = mask.unsqueeze(-1).to(hidden.dtype)
        return Tagged(hidden=hidden, pooled=(hidden * weights).sum(1) / weights.sum(1))


class Doubler(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2


def script(module: nn.Module) -> torch.jit.ScriptModule:
    return torch.jit.script(module.eval())


def write_archive(module: torch.jit.ScriptModule, path: Path) -> None:
    """Saves without the debug records: they name this machine's folders."""
    saved = io.BytesIO()
    torch.jit.save(module, saved)
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(path, "w") as target:
        for entry in source.infolist():
            if not entry.filename.endswith((".debug_pkl", "/serialization_id")):
                target.writestr(entry, source.read(entry))


def edit_archive(source_path: Path, path: Path, old: bytes, new: bytes) -> None:
    """Copies an archive with `old` replaced by `new` in its code."""
    with zipfile.ZipFile(source_path) as source, zipfile.ZipFile(path, "w") as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename.endswith("code/__torch__.py"):
                if old not in content:
                    raise ValueError(f"{source_path.name}: no {old!r} in {entry.filename}")
                content = content.replace(old, new)
            target.writestr(entry, content)


def tensor_value(tensor: Tensor) -> dict:
    """dtype and shape, and the elements as nested lists."""
    dtype = {torch.float32: "FP32", torch.int64: "INT64"}[tensor.dtype]
    return {"dtype": dtype, "shape": list(tensor.shape), "data": tensor.tolist()}


def write_cases(path: Path, cases: List[dict]) -> None:
    path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


def write_unseen(out: Path) -> None:
    write_archive(script(Ranker()), out / "unseen.pt")
    model = torch.jit.load(out / "unseen.pt")
    signals = {
        "hum": torch.tensor([1.0, 2.0, 3.0]),
        "click": torch.tensor([4.0, 0.0, 5.0]),
        "hiss": torch.tensor([0.0, 1.0, 0.5]),
    }
    cases = []
    for arguments in ({}, {"top": 3}, {"top": 1}):
        ranking = model(signals=signals, **arguments)
        cases.append(
            {
                "inputs": {
                    "signals": {k: tensor_value(v) for k, v in signals.items()},
                    **arguments,
                },
                "outputs": {"scores": tensor_value(ranking.scores), "names": ranking.names},
            }
        )
    write_cases(out / "unseen_expected.json", cases)


def write_views(out: Path) -> None:
    write_archive(script(Viewer()), out / "views.pt")
    model = torch.jit.load(out / "views.pt")
    x = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    views = model(x)
    case = {
        "inputs": {"x": tensor_value(x)},
        "outputs": {name: tensor_value(getattr(views, name)) for name in views._fields},
    }
    write_cases(out / "views_expected.json", [case])


def write_broken(out: Path) -> None:
    """Writes files that are no TorchScript archives, or damaged ones."""
    folder = out / "broken"
    folder.mkdir(exist_ok=True)
    good = (out / "types.pt").read_bytes()
    (folder / "empty.pt").write_bytes(b"")
    (folder / "truncated.pt").write_bytes(good[: len(good) // 2])

    directory = good.index(b"PK\x01\x02")
    corrupt = good[:directory] + b"\xff" * 64 + good[directory + 64 :]
    (folder / "corrupt.pt").write_bytes(corrupt)

    (folder / "garbage.pt").write_bytes(random.Random(4).randbytes(4096))
    (folder / "text.pt").write_text("This is a text, not a model.\n")
    (folder / "lfs_pointer.pt").write_text(
        "version https://git-lfs.github.com/spec/v1\n"
        "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
        "size 94216\n"
    )

    types = out / "types.pt"
    edit_archive(types, folder / "syntax_error.pt", b"-> Tensor:", b"-> Tensor")
    edit_archive(out / "stateful.pt", folder / "unknown_operator.pt", b"torch.add(", b"torch.adds(")

    linear = nn.Linear(2, 2)
    nn.init.ones_(linear.weight)
    nn.init.zeros_(linear.bias)
    torch.save(linear.state_dict(), folder / "state_dict.pt")
    torch.save(linear, folder / "eager.pt")
    # No tensors: their keys are addresses in this format, new in each run.
    torch.save({"epoch": 3}, folder / "legacy.pt", _use_new_zipfile_serialization=False)

    program = torch.export.export(Doubler(), (torch.ones(2),))
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # names this machine's folders
    torch.export.save(program, folder / "exported.pt2")


def write_samples(out: Path) -> None:
    arrays = {
        "x": numpy.arange(6, dtype="float32").reshape(2, 3),
        "ids": numpy.array([7, 8]),
        "k": numpy.array(5),
    }
    numpy.savez(out / "sample.npz", **arrays)
    numpy.savez_compressed(out / "sample_compressed.npz", **arrays)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore", r"`torch\.jit\.", FutureWarning)

    write_unseen(out)
    write_views(out)
    write_archive(script(Types()), out / "types.pt")
    write_archive(script(Failing()), out / "failing.pt")
    write_archive(script(Hanging()), out / "hanging.pt")
    write_archive(script(Stateful()), out / "stateful.pt")
    write_archive(script(InPlace()), out / "inplace.pt")
    write_archive(script(Tagger()), out / "tagger.pt")
    write_broken(out)
    write_samples(out)


if __name__ == "__main__":
    main()
