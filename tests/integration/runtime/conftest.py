"""One set of unpacked archives for all tests; a new AWS and a new cluster for each."""

from collections.abc import Iterator

import pytest

from tests.integration.runtime.sandbox import Sandbox, target
from tests.integration.runtime.world import RuntimeWorld, world

TARGET = target()
SANDBOX = f"python{TARGET.python}-{TARGET.machine}"
"""In the test's id: Lambda has 3.13, and a machine without it runs these tests on the Python that it has."""


@pytest.fixture(scope="session", params=[SANDBOX])
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    return Sandbox.unpacked(tmp_path_factory.mktemp("lambda"), TARGET)


@pytest.fixture
def aws() -> Iterator[RuntimeWorld]:
    with world() as made:
        yield made
