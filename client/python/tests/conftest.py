# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator

import pytest

import torchere
from fake_server import FakeServer, fake_server
from real_server import DATA, MODELS, RealServer, real_server


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    """A server that echoes the inputs of Predict, until told otherwise."""
    with fake_server() as server:
        yield server


@pytest.fixture
def client(fake: FakeServer) -> Iterator[torchere.Client]:
    """A client of the fake server."""
    with torchere.Client(fake.address) as client:
        yield client


@pytest.fixture(scope="session")
def server() -> Iterator[RealServer]:
    """The real server with the sample models and those of tests/data."""
    names = ("types", "unseen", "failing", "views", "inplace")
    flags = [f"--model={name}={DATA / name}.pt" for name in names]
    with real_server(f"--models={MODELS}", *flags) as server:
        assert server.models == 2 + len(names)
        yield server


@pytest.fixture(scope="session")
def session_client(server: RealServer) -> Iterator[torchere.Client]:
    with torchere.Client(server.address) as client:
        yield client


@pytest.fixture
def real(session_client: torchere.Client) -> Iterator[torchere.Client]:
    """A client of the real server, which must still serve when the test has ended."""
    yield session_client
    assert session_client.predict("types", {}, method="no_arguments") == {"output": 42}
