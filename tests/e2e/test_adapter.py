"""The cluster adapter's tests once more, on a real API server."""

from tests.integration.adapters.test_cluster import *  # noqa: F403
