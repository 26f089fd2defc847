"""What a person is told when something is not as it should be: one line, and exit code 1."""

from __future__ import annotations

import errno
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from spiderpool_aws.cli.shown import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

FAILED = 1
TO_DO = 2
"""The exit code where something is left to do, as `terraform plan -detailed-exitcode` has it."""
STOPPED = "stopped; what was begun by a deployed function goes on"


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
        raise fail(STOPPED) from None
    except OSError as error:
        # A full disk, a folder in a file's place; who no longer reads our output (`| head`) is told nothing.
        if error.errno == errno.EPIPE:
            raise
        raise fail(f"{error.filename or 'the output'}: {error.strerror or error}") from error


def fail(message: str) -> typer.Exit:
    """Say the message on standard error and return what ends the command."""
    print(visible(f"spiderpool-aws: {message}"), file=sys.stderr)
    return typer.Exit(FAILED)


class Group(TyperGroup):
    """All commands. What is wrong with what was typed is one line and exit code 1: 2 says "something to do"."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; what it cannot do is told."""
        if hasattr(sys.stdout, "reconfigure"):
            # As standard error has it: a sign that the locale does not have ends nothing.
            sys.stdout.reconfigure(errors="backslashreplace")
        with told():
            answer = super().invoke(ctx)
            if sys.stdout is not None:
                # While a full disk can still be told.
                sys.stdout.flush()
            return answer

    def main(self, *args: Any, **given: Any) -> Any:
        """Run the program."""
        standalone = given.pop("standalone_mode", True)
        code: Any = None
        try:
            code = super().main(*args, **given | {"standalone_mode": False})
        except typer.TyperException as error:
            code = _of_usage(error)
        except typer.Abort:
            code = fail("there was no answer: nothing was done").exit_code
        if standalone:
            sys.exit(code)
        return code


def _of_usage(error: Any) -> int:
    message = error.format_message()
    if not message:
        # Without a command the help has been printed, and there is nothing more to say.
        return FAILED
    context = getattr(error, "ctx", None)
    hint = f" (try: {context.command_path} --help)" if context is not None else ""
    return fail(f"{' '.join(message.split())}{hint}").exit_code
