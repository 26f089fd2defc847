"""What these tests share."""

import pytest

from tests.unit.cluster_double.client import Client


@pytest.fixture
def client() -> Client:
    """A client of a fresh double."""
    return Client()
