"""The shell completes commands, options and their values, and nothing is connected to for it."""

import os
import subprocess
import sys

import pytest

RUN = "from spiderpool_aws.cli.main import app; app(prog_name='spiderpool-aws')"


def completed(line: str) -> list[str]:
    words = line.split(" ")
    environment = os.environ | {
        "_SPIDERPOOL_AWS_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", RUN], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("spiderpool-aws pl", {"plan"}),
        ("spiderpool-aws ", {"plan", "apply", "resync", "status", "explain", "doctor", "map"}),
        ("spiderpool-aws plan --al", {"--all", "--allow-removals"}),
        ("spiderpool-aws doctor --output ", {"table", "json"}),
        ("spiderpool-aws apply --instance i-1 --y", {"--yes"}),
    ],
)
def test_the_shell_completes(line: str, offered: set[str]) -> None:
    assert offered <= set(completed(line))
