#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks who includes whom (ARCHITECTURE.md, ranks).

Usage: check_layers.py [--root DIR] [--self-test]

Prints `file:line: [rule] what is wrong and what holds` for each breach. Exit status: 0 where
every rule holds, 1 where one is broken, 2 for wrong usage.
"""

import argparse
import os
import re
import sys
import tempfile

# A folder of server/ includes only folders of lower rank.
RANKS = {
    "base": 0,
    "request": 1,
    "observe": 2,
    "admission": 3,
    "registry": 3,
    "batching": 3,
    "backend": 3,
    "executor": 4,
    "pipeline": 5,
    "frontend": 6,
    "app": 7,
}
# The same inside a folder; what lies in the folder itself is of sub-rank 0.
SUB_RANKS = {
    "frontend": {"wire": 1, "grpc": 2, "torchere_v1": 3, "kserve_v2": 3, "rest": 4},
    "backend": {"torch": 1, "torchscript": 2, "aot_inductor": 2},
}
MAIN_RANK = 8

SOURCE_ENDINGS = (".h", ".cc")
FOLDERS = ("server", "client", "tests", "bench", "jobs")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
TORCH = re.compile(r"(torch|ATen|c10|caffe2)/")
# A message's generated header ends in .pb.h wherever it lies.
GRPC = re.compile(r"(grpc|grpcpp|grpc\+\+|google/(protobuf|rpc))/|.*\.pb\.h$")

# The unit tests of a folder lie in tests/unit/<folder> and see what it sees.
MAY_SEE_GRPC = re.compile(
    r"(server|tests/unit)/frontend/(?!wire/)|client/|tests/unit/client/|tests/integration/|tests/fuzz/|"
    r"bench/(grpc|clients)/|"
    r"server/registry/triton_config\.cc$")
MAY_SEE_TORCH = re.compile(
    r"server/backend/.*\.cc$|server/backend/(torch|torchscript|aot_inductor)/|tests/torch/|"
    r"bench/torch/")
# Built with LibTorch's headers in the search path, so these may reach it through others.
MAY_REACH_TORCH = re.compile(
    r"server/backend/.*\.cc$|server/backend/[^/]+/|tests/torch/|bench/torch/")


def sources(root):
    for folder in FOLDERS:
        for path, folders, files in os.walk(os.path.join(root, folder)):
            folders[:] = sorted(f for f in folders if f not in ("build", "node_modules", "_build"))
            for name in sorted(files):
                if name.endswith(SOURCE_ENDINGS):
                    yield os.path.relpath(os.path.join(path, name), root)


def includes(root, file):
    """The (line, path) of each include in a file."""
    with open(os.path.join(root, file), encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if match := INCLUDE.match(line):
                yield number, match[1]


def place(path):
    """(folder, sub-folder) of a path below server/; both empty for server/main.cc."""
    parts = path.split("/")[1:-1]
    return (parts[0] if parts else "", parts[1] if len(parts) > 1 else "")


def unknown_folder(path):
    """What is wrong with the folder of a file below server/, or an empty text."""
    folder, sub = place(path)
    if folder and folder not in RANKS:
        return f"server/{folder} has no rank: give it one in tools/check_layers.py"
    if sub and sub not in SUB_RANKS.get(folder, {sub: 0}):
        return f"server/{folder}/{sub} has no sub-rank: give it one in tools/check_layers.py"
    return ""


def rank_breach(file, included):
    """Why a file of server/ may not include another one, or an empty text."""
    folder, sub = place(file)
    their_folder, their_sub = place(included)
    rank = RANKS.get(folder, MAIN_RANK)
    their_rank = RANKS.get(their_folder, MAIN_RANK)
    if folder != their_folder:
        if their_rank < rank:
            return ""
        return (f"{folder or 'main'} (rank {rank}) includes {their_folder or 'main'} "
                f"(rank {their_rank}); a folder includes only lower ranks")
    sub_ranks = SUB_RANKS.get(folder)
    if sub == their_sub or not sub_ranks:
        return ""
    sub_rank, their_sub_rank = sub_ranks.get(sub, 0), sub_ranks.get(their_sub, 0)
    if their_sub_rank < sub_rank:
        return ""
    return (f"{folder}/{sub or '.'} (sub-rank {sub_rank}) includes {folder}/{their_sub or '.'} "
            f"(sub-rank {their_sub_rank}); inside {folder} only lower sub-ranks are included")


def direct_breaches(file, included):
    """(rule, text) of each rule that one include breaks by itself."""
    top, theirs = file.split("/")[0], included.split("/")[0]
    if top == "server" and theirs == "server":
        if text := rank_breach(file, included):
            yield "rank", text
    if top == "client" and theirs == "server":
        yield "client", "client never includes server: it is built and shipped without it"
    if top == "server" and theirs == "client":
        yield "client", "server never includes client"
    if top in ("server", "client") and theirs in ("tests", "bench"):
        yield "tests", f"{top} never includes {theirs}"
    if ".." in included.split("/"):
        yield "path", "includes are written from the repository's root, without .."
    if GRPC.match(included) and not MAY_SEE_GRPC.match(file):
        yield "grpc", (f"{included} here; gRPC and protobuf are seen by server/frontend (not its "
                       "wire/), client, the tests of these, tests/integration, bench/grpc and "
                       "bench/clients only")
    if TORCH.match(included) and not MAY_SEE_TORCH.match(file):
        yield "torch", (f"{included} here; LibTorch is seen by the .cc files of server/backend, "
                        "the headers of its torch sub-folders, tests/torch and bench/torch only")


def way_to_torch(file, graph, seen):
    """The includes, file after file, by which a file reaches a LibTorch header, or nothing."""
    for _, included in graph.get(file, ()):
        if TORCH.match(included):
            return [included]
        if included in graph and included not in seen:
            seen.add(included)
            if way := way_to_torch(included, graph, seen):
                return [included, *way]
    return []


def check(root):
    """Each breach below a root, as a line of text."""
    graph = {file: list(includes(root, file)) for file in sources(root)}
    breaches = []
    for file, included_files in graph.items():
        if file.startswith("server/") and (text := unknown_folder(file)):
            breaches.append(f"{file}:1: [folder] {text}")
        for line, included in included_files:
            for rule, text in direct_breaches(file, included):
                breaches.append(f"{file}:{line}: [{rule}] {text}")
            if MAY_REACH_TORCH.match(file) or included not in graph:
                continue
            if way := way_to_torch(included, graph, {included}):
                breaches.append(f"{file}:{line}: [torch] reaches LibTorch by "
                                f"{' > '.join([included, *way])}; backend's headers hide it")
    return breaches


# Of each: the files, and the breaches that must be found, as FILE:LINE: [RULE].
SAMPLES = (
    ("a tree that keeps every rule", {
        "server/base/clock.h": "#include <chrono>\n",
        "server/request/request.h": '#include "server/base/clock.h"\n',
        "server/registry/repository.cc": '#include "server/registry/repository.h"\n',
        "server/registry/repository.h": '#include "server/request/request.h"\n',
        "server/registry/triton_config.cc": "#include <google/protobuf/text_format.h>\n",
        "server/backend/backend.h": '#include "server/request/request.h"\n',
        "server/backend/torch/tensor_bridge.h": "#include <ATen/Tensor.h>\n",
        "server/backend/torchscript/module.cc":
            '#include "server/backend/torch/tensor_bridge.h"\n#include <torch/script.h>\n',
        "server/frontend/wire/reader.h": '#include "server/request/request.h"\n',
        "server/frontend/grpc/server.h": "#include <grpcpp/grpcpp.h>\n",
        "server/frontend/torchere_v1/service.cc":
            '#include "server/frontend/grpc/server.h"\n#include "torchere/v1/predict.pb.h"\n',
        "server/app/app.cc": '#include "server/frontend/grpc/server.h"\n',
        "server/main.cc": '#include "server/app/app.h"\n',
        "client/cpp/torchere/client.cc": '#include "torchere/v1/predict.grpc.pb.h"\n',
        "tests/torch/module_test.cc": "#include <torch/script.h>\n",
        "tests/integration/predict_test.cc": "#include <grpcpp/grpcpp.h>\n",
        "tests/unit/client/fake_server.h": "#include <grpcpp/server.h>\n",
        "tests/unit/frontend/grpc/status_map_test.cc": "#include <grpcpp/support/status.h>\n",
        "tests/unit/request/request_test.cc":
            '#include "server/request/request.h"\n#include "tests/support/catch.h"\n',
    }, ()),
    ("a higher rank", {
        "server/request/request.h": '#pragma once\n\n#include "server/pipeline/pipeline.h"\n',
        "server/app/app.cc": '#include "server/main.h"\n',
    }, ("server/request/request.h:3: [rank]", "server/app/app.cc:1: [rank]")),
    ("an equal rank", {
        "server/registry/a.cc": '#include "server/batching/batch.h"\n',
    }, ("server/registry/a.cc:1: [rank]",)),
    ("a higher and an equal sub-rank", {
        "server/frontend/grpc/a.cc": '#include "server/frontend/torchere_v1/codec.h"\n',
        "server/frontend/kserve_v2/a.cc": '#include "server/frontend/torchere_v1/codec.h"\n',
        "server/frontend/torchere_v1/a.cc": '#include "server/frontend/rest/http.h"\n',
        "server/backend/backend.h": '#include "server/backend/torch/device.h"\n',
    }, ("server/frontend/grpc/a.cc:1: [rank]", "server/frontend/kserve_v2/a.cc:1: [rank]",
        "server/frontend/torchere_v1/a.cc:1: [rank]", "server/backend/backend.h:1: [rank]")),
    ("gRPC and protobuf out of place", {
        "server/request/a.h": "  #  include <google/protobuf/message.h>\n",
        "server/frontend/wire/a.h": "#include <grpcpp/support/slice.h>\n",
        "server/app/a.cc": '#include "torchere/v1/predict.pb.h"\n',
        "tests/unit/request/a_test.cc": "#include <grpc/grpc.h>\n",
        "tests/unit/frontend/wire/a_test.cc": "#include <grpc/slice.h>\n",
    }, ("tests/unit/frontend/wire/a_test.cc:1: [grpc]",
        "server/request/a.h:1: [grpc]", "server/frontend/wire/a.h:1: [grpc]",
        "server/app/a.cc:1: [grpc]", "tests/unit/request/a_test.cc:1: [grpc]")),
    ("LibTorch out of place", {
        "server/executor/a.cc": "#include <ATen/Parallel.h>\n",
        "server/backend/backend.h": "#include <c10/core/Device.h>\n",
        "client/cpp/a.cc": "#include <torch/script.h>\n",
        "tests/unit/backend/a_test.cc": '#include "torch/version.h"\n',
    }, ("server/executor/a.cc:1: [torch]", "server/backend/backend.h:1: [torch]",
        "client/cpp/a.cc:1: [torch]", "tests/unit/backend/a_test.cc:1: [torch]")),
    ("LibTorch reached through backend's headers", {
        "server/backend/torch/device.h": "#include <c10/core/Device.h>\n",
        "server/backend/torchscript/module.h": '#include "server/backend/torch/device.h"\n',
        "server/pipeline/loader.cc": '\n#include "server/backend/torchscript/module.h"\n',
    }, ("server/pipeline/loader.cc:2: [torch]",)),
    ("client and server, production and tests", {
        "client/cpp/a.cc": '#include "server/request/tensor.h"\n',
        "server/request/a.cc": '#include "client/cpp/torchere/tensor.h"\n',
        "server/request/b.cc": '#include "tests/support/catch.h"\n',
        "server/request/c.cc": '#include "../base/clock.h"\n',
    }, ("client/cpp/a.cc:1: [client]", "server/request/a.cc:1: [client]",
        "server/request/b.cc:1: [tests]", "server/request/c.cc:1: [path]")),
    ("a folder without a rank", {
        "server/util/a.h": "\n",
        "server/frontend/soap/a.h": "\n",
    }, ("server/frontend/soap/a.h:1: [folder]", "server/util/a.h:1: [folder]")),
)


def self_test():
    failed = 0
    for name, files, expected in SAMPLES:
        with tempfile.TemporaryDirectory() as root:
            for file, text in files.items():
                os.makedirs(os.path.join(root, os.path.dirname(file)), exist_ok=True)
                with open(os.path.join(root, file), "w", encoding="utf-8") as out:
                    out.write(text)
            found = sorted(re.match(r"\S+ \[\w+\]", breach)[0] for breach in check(root))
        if found != sorted(expected):
            failed += 1
            print(f"{name}:\n  expected {sorted(expected)}\n  found    {found}")
    print(f"{len(SAMPLES) - failed} passed, {failed} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", help="the repository (default: the one this file is in)",
                        default=os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser.add_argument("--self-test", action="store_true",
                        help="check this program against samples that break each rule")
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    if not os.path.isdir(os.path.join(arguments.root, "server")):
        parser.error(f"{arguments.root} has no server/")
    breaches = check(arguments.root)
    print("\n".join(breaches) if breaches else "layers: every include obeys the ranks")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
