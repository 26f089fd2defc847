"""Contexts as the tests give them: with a policy in a file."""

from pathlib import Path

import pytest

from stacks.context import ContextError, Deployment, read
from tests.infrastructure.templates import POLICY

NO_IPV6 = POLICY.replace("        ipv6: {addresses: 5}\n", "")
PREFIXES = POLICY.replace("{addresses: 5}", "{prefixes: 1}")


def deployment(file: Path, policy: str = POLICY, /, **context: object) -> Deployment:
    """Return the deployment of a context whose policy is written to the file."""
    file.write_text(policy, encoding="utf-8")
    return read({"policyFile": str(file), **context})


def problems(file: Path, policy: str = POLICY, /, **context: object) -> list[str]:
    """Return the lines that a context is refused with."""
    with pytest.raises(ContextError) as raised:
        deployment(file, policy, **context)
    return str(raised.value).splitlines()
