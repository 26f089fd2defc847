"""Who owns which field, once more on a real API server."""

from tests.integration.test_ownership import *  # noqa: F403
