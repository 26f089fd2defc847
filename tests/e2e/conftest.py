"""One API server for all end-to-end tests, started once; `KUBECONFIG` names another to use instead."""

import os
from collections.abc import Iterator

import pytest

from tests.e2e.apiserver import ApiServer
from tests.e2e.build import build
from tests.e2e.real_world import RealWorld


@pytest.fixture(scope="session")
def api_server() -> Iterator[ApiServer]:
    server = ApiServer(build())
    yield server
    server.stop()


@pytest.fixture(scope="session")
def real_world(api_server: ApiServer) -> Iterator[RealWorld]:
    built = RealWorld(api_server)
    yield built
    built.stop()


@pytest.fixture
def world(real_world: RealWorld) -> RealWorld:
    real_world.clear()
    return real_world
