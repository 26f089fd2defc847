import pytest

from tests.unit.worker.fakes import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()
