"""Moments as text, which others may have written: pure."""

from datetime import UTC, datetime


def read_moment(text: object) -> datetime | None:
    """Return the moment; None when there is none, or it is spoiled: then a wait begins anew."""
    try:
        return moment_of(text) if text else None
    except ValueError:
        return None


def moment_of(text: object) -> datetime:
    """Return the moment that a text gives, in UTC. Raises ValueError when it is none, or has no time zone."""
    moment = datetime.fromisoformat(str(text))
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text} is out of the calendar") from None
