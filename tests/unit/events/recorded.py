"""The recorded events of `tests/events`, and who the functions are in them."""

import json
from pathlib import Path
from typing import Any

EVENTS = Path(__file__).parents[2] / "events"
OWN_ROLES = (
    "arn:aws:iam::111122223333:role/spiderpool-aws-reconcile-nodes",
    "arn:aws:iam::111122223333:role/spiderpool-aws-resync",
)
POLICY_PARAMETER = "/spiderpool-aws/prod/policy"

# file -> the one rule that it matches, None: no rule wants it.
MATCHES = {
    "instance-running": "instance-state",
    "instance-stopping": "instance-state",
    "instance-stopped": "instance-state",
    "instance-shutting-down": "instance-state",
    "instance-terminated": "instance-state",
    "instance-pending": None,
    "spot-interruption": "spot-interruption",
    "rebalance-recommendation": None,
    "hook-launch": "launch-hook",
    "hook-launch-into-warm-pool": "launch-hook",
    "hook-terminate": "terminate-hook",
    "hook-of-others": None,
    "call-attach-by-role": "eni-call",
    "call-attach-by-root-in-console": "eni-call",
    "call-detach-by-user": "eni-call",
    "call-create-by-service": "eni-call",
    "call-delete-by-user": "eni-call",
    "call-assign-ipv4-by-user": "eni-call",
    "call-unassign-ipv4-by-root": "eni-call",
    "call-assign-ipv6-wrapped": "eni-call",
    "call-unassign-ipv6-wrapped": "eni-call",
    "call-modify-by-user": "eni-call",
    "call-assign-by-own-role": None,
    "call-assign-failed": None,
    "call-of-another-kind": None,
    "policy-updated": "policy-change",
    "policy-labelled": None,
    "parameter-of-others": None,
    "scheduled": None,  # comes by its schedule, not by a pattern
}


def load(name: str) -> dict[str, Any]:
    """Return a recorded event."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event
