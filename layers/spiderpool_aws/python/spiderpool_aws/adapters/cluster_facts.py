"""What people ask of the API server and the functions never do: the Events of a Node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spiderpool_aws.adapters.cluster import EVENTS
from spiderpool_aws.adapters.cluster_api import ClusterApi, Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spiderpool_aws.adapters.credentials import ClusterCredentials


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """An Event about a Node, of whomever."""

    at: str
    """As the API server writes it, in UTC; empty when nobody said when."""
    is_warning: bool
    reason: str
    message: str
    source: str


class ClusterFacts:
    """Reads of the person at the terminal."""

    def __init__(self, credentials: ClusterCredentials) -> None:
        self._api = ClusterApi(credentials)

    def events_of(self, node_name: str) -> Sequence[ToldEvent]:
        """Return the Events of a Node, the oldest first; an API server keeps them for an hour (`--event-ttl`)."""
        about = f"involvedObject.kind=Node,involvedObject.name={node_name}"
        return sorted(self._api.list_all(EVENTS, _event, about), key=lambda event: (event.at, event.reason))


def _event(document: Json) -> ToldEvent:
    return ToldEvent(
        at=str(document.get("lastTimestamp") or document.get("eventTime") or ""),
        is_warning=document.get("type") == "Warning",
        reason=str(document.get("reason", "")),
        message=str(document.get("message", "")),
        source=str((document.get("source") or {}).get("component") or document.get("reportingComponent", "")),
    )
