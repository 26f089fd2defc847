"""Nodes once more, on a real API server."""

from tests.integration.test_nodes import *  # noqa: F403
