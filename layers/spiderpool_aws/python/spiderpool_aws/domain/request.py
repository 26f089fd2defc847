"""What travels through the queue, and what comes out of working on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # For the annotations only: `route_event` starts without the policy's models.
    from collections.abc import Sequence
    from datetime import datetime

    from spiderpool_aws.domain.actions.plan import Finding, NodePlan


class Hint(StrEnum):
    """What a message says beyond "look again"."""

    SPARES = "spares"
    """The listing showed NICs that we created for it and that are attached to nothing: look for them, too."""
    INTERRUPTED = "interrupted"
    """EC2 has warned that it takes the Spot instance back (`ReconcileRequest.warned_at`); no describe shows that."""
    NODES = "nodes"
    """The listing showed more than one Node of it, or one that says that it is gone: look among all of them."""
    FLIP = "flip"
    """A complete listing allows that IPv6 pools become default now, or, where the policy gives none, are it no more."""


@dataclass(frozen=True, slots=True)
class ReconcileRequest:
    """ "Look again at this": identity and nothing else, for by now the event may be old.

    `subject` is an instance id (`i-…`); or, where EC2 no longer knows whose it was, an ENI id (`eni-…`) or an
    attachment id (`eni-attach-…`). It is the FIFO queue's message group.
    """

    subject: str
    event_id: str
    """The event's or the invocation's id: with the subject, the deduplication id."""
    reason: str
    """What happened, for people: `EC2 Instance State-change Notification`, `AttachNetworkInterface`, `resync`."""
    hints: frozenset[Hint] = frozenset()
    """What EC2 could not be asked for at the next look, or only at a price."""
    warned_at: datetime | None = None
    """When EC2 has warned; None in a message of an older version, and then it is new."""
    attempt: str = ""
    """The deduplication id of its group's oldest message; empty: its own. Of the worker alone, and never sent."""

    @property
    def deduplication_id(self) -> str:
        """One event may concern several instances, so the event's id alone is not enough."""
        return f"{self.event_id}:{self.subject}"


def newest_of(requests: Sequence[ReconcileRequest]) -> ReconcileRequest:
    """Return the last of several requests about one subject, with the hints of all: nothing else tells of them.

    The attempt is the oldest one's: a second worker that gets the group sees that message, too, and maybe newer ones.
    """
    hints = frozenset(hint for request in requests for hint in request.hints)
    warned_at = max((request.warned_at for request in requests if request.warned_at is not None), default=None)
    attempt = requests[0].attempt or requests[0].deduplication_id
    return replace(requests[-1], hints=hints, warned_at=warned_at, attempt=attempt)


class Status(StrEnum):
    """How a pass over one subject ended."""

    DONE = "done"
    """Converged, or nothing that another pass would change."""
    WAITING = "waiting"
    """Not yet, and nothing is wrong."""
    REFUSED = "refused"
    """Something was refused, and only a person can change that; the resync looks again."""
    FAILED = "failed"
    """An error that may pass; in the end the message goes to the dead-letter queue."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one pass over one subject."""

    subject: str
    status: Status
    reason: str = ""
    delay_seconds: float | None = None
    """When to look again; None: the usual backoff."""
    patience_seconds: float | None = None
    """How long a wait makes sense at all; None: as long as the queue's consumer has patience."""
    writes: int = 0
    """EC2 and cluster writes that were made."""
    findings: tuple[Finding, ...] = ()
    nudges: frozenset[str] = frozenset()
    """Other instances that have to be looked at."""
    plans: tuple[NodePlan, ...] = ()
    """The plans that were made, in order; in `observe` mode the one that was not applied."""
    node: str = ""
    """The Node's name, where it is known."""
