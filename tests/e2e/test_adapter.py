"""The cluster adapter's tests once more, on a real API server."""

from tests.integration.adapters.test_cluster import *  # noqa: F403
from tests.integration.adapters.test_cluster_notes import *  # noqa: F403
from tests.integration.adapters.test_reservations import *  # noqa: F403
