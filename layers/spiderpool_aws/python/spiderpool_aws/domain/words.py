"""Words that messages share. Pure."""

from collections.abc import Sequence


def first_of(names: Sequence[str], most: int) -> str:
    """Return up to so many names, and how many more there are: a message may be about 5,000 pods."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
