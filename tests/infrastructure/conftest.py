"""What the tests of the infrastructure share."""

from pathlib import Path

import pytest


@pytest.fixture
def policy_file(tmp_path: Path) -> Path:
    """Return where a test's policy is written to."""
    return tmp_path / "policy.yaml"
