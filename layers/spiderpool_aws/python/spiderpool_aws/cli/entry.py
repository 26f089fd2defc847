"""Where the program starts: not in `main`, so that Ctrl-C is no stack trace while that is still loaded."""

import sys


def main() -> None:
    """Load the commands and run what was typed."""
    try:
        from spiderpool_aws.cli.main import app

        app()
    except KeyboardInterrupt:
        sys.exit("spiderpool-aws: stopped")
