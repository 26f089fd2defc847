"""No test sees the AWS configuration of whoever runs it."""

import os
from collections.abc import Iterator

import pytest

import stacks  # noqa: F401 - before CDK: it quiets the Node.js that CDK starts


@pytest.fixture(scope="session", autouse=True)
def _nobodys_aws() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith(("AWS_", "SPIDERPOOL_AWS_"))]:
            environment.delenv(name)
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            environment.setenv(name, os.devnull)
        yield
