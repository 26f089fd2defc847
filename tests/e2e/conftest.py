"""One API server for all end-to-end tests, started once; `KUBECONFIG` names another to use instead."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.apiserver import ApiServer
from tests.e2e.build import build
from tests.e2e.cluster import Cluster, GivenCluster
from tests.e2e.given import ALLOW, UnusableError, read_kubeconfig
from tests.e2e.real_world import TOKEN, RealWorld
from tests.e2e.reconciling import RealServer


def pytest_sessionstart(session: pytest.Session) -> None:
    """Say whose cluster it is, and require that it is meant, before anything is asked of it."""
    path = os.environ.get("KUBECONFIG")
    if not path:
        return
    try:
        given = read_kubeconfig(path)
        terminal: Any = session.config.pluginmanager.get_plugin("terminalreporter")
        terminal.write_line(f"KUBECONFIG: context {given.context}, server {given.server}")
        given.require_allowed(os.environ.get(ALLOW, ""))
    except UnusableError as error:
        pytest.exit(f"KUBECONFIG: {error}", returncode=1)


@pytest.fixture(scope="session")
def binary() -> Path:
    """What servers of our own are started from, by tests that start, stop or configure one."""
    if os.environ.get("KUBECONFIG"):
        pytest.skip("needs an API server of its own: run without KUBECONFIG")
    return build()


@pytest.fixture(scope="session")
def api_server(binary: Path) -> Iterator[ApiServer]:
    server = ApiServer(binary)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def start_api_server(binary: Path) -> Iterator[Callable[[str], ApiServer]]:
    """Start servers with an AuthenticationConfiguration of the test's."""
    servers: list[ApiServer] = []

    def start(authentication_config: str) -> ApiServer:
        servers.append(ApiServer(binary, authentication_config))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def any_cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    path = os.environ.get("KUBECONFIG")
    if not path:
        yield request.getfixturevalue("api_server")
        return
    try:
        given = GivenCluster(read_kubeconfig(path))
    except UnusableError as error:
        pytest.exit(f"KUBECONFIG: {error}", returncode=1)
    yield given
    given.stop()


@pytest.fixture(scope="session")
def real_world(any_cluster: Cluster) -> Iterator[RealWorld]:
    try:
        built = RealWorld(any_cluster)
    except (UnusableError, TimeoutError) as error:
        # Not one by one: without it nearly nothing is tested.
        pytest.exit(f"the cluster cannot be used: {error}", returncode=1)
    yield built
    built.stop()


@pytest.fixture
def world(real_world: RealWorld) -> RealWorld:
    real_world.clear()
    return real_world


@pytest.fixture
def server(api_server: ApiServer, world: RealWorld) -> Iterator[RealServer]:
    """Only one of our own: its tests look at all Nodes, and delete them."""
    real = RealServer(world.admin, lambda: world.connect(TOKEN))
    real.clear()
    yield real
    real.clear()
