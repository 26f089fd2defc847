"""What a person is told when something is not as it should be: one line, and exit code 1."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from collections.abc import Iterator

FAILED = 1
TO_DO = 2
"""The exit code where something is left to do, as `terraform plan -detailed-exitcode` has it."""


class Mistake(Exception):  # noqa: N818 - it is the person's, not the program's
    """Something that the person at the terminal can mend; the message says what and how."""


@contextmanager
def told() -> Iterator[None]:
    """End the command with one line for a mistake, a refusal, or something that cannot be read."""
    from botocore.exceptions import BotoCoreError

    from spiderpool_aws.domain.errors import PolicyError, Refused, RetryLater

    try:
        yield
    except (Mistake, PolicyError) as error:
        raise fail(str(error)) from error
    except (Refused, RetryLater) as error:
        raise fail(error.reason) from error
    except BotoCoreError as error:
        # Before the first call: no region, a profile that is not there.
        raise fail(f"AWS cannot be asked: {error}") from error
    except KeyboardInterrupt:
        raise fail("stopped; what was begun by a deployed function goes on") from None


def fail(message: str) -> typer.Exit:
    """Say the message on standard error and return what ends the command."""
    print(f"spiderpool-aws: {message}", file=sys.stderr)
    return typer.Exit(FAILED)


class Command(TyperCommand):
    """A command whose usage errors are one line and exit code 1: 2 says that there is something to do."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse; while the shell completes a line nothing is an error."""
        try:
            return super().parse_args(ctx, args)
        except typer.TyperException as error:
            raise fail(f"{error.format_message()} (try: {ctx.command_path} --help)") from error
