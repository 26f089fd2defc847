"""Quarantines once more, on a real API server."""

from tests.integration.test_quarantine import *  # noqa: F403
