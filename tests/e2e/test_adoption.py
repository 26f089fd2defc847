"""Adoption once more, on a real API server."""

from tests.integration.test_adoption import *  # noqa: F403
