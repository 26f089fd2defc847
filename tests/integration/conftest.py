"""The API server of these tests: the double. `make e2e` runs those of Nodes and ownership again, on a real one."""

import pytest

from tests.integration.reconciling import DoubleServer, ServerUnderTest


@pytest.fixture
def server() -> ServerUnderTest:
    return DoubleServer()
