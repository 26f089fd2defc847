"""What one process remembers from pass to pass: nothing that matters, only what saves calls."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from spiderpool_aws.domain.actions.nics import Assign, AttachNic, CreateNic
from spiderpool_aws.domain.actions.plan import Action
from spiderpool_aws.domain.lifecycle import ProlongHook
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.request import Hint, ReconcileRequest
from spiderpool_aws.domain.rules.desired import cooling_key
from spiderpool_aws.domain.rules.nic_creation import creation_key
from spiderpool_aws.domain.rules.nics import attach_key

COOL_DOWN = timedelta(seconds=60)
"""How long a subnet that had no room is not asked again."""
ATTACH_AGAIN = timedelta(minutes=30)
"""How long no NIC is created for an instance and index whose last one could not be attached and was deleted again."""
HEARTBEAT = timedelta(minutes=5)
"""How often a group that waits is told that the instance is being worked on; our hooks run out after ten minutes."""


@dataclass(slots=True)
class Recollection:
    """Of one process. Another one asks the full subnet once more, and sends a heartbeat of its own."""

    _cooling: dict[str, datetime] = field(default_factory=dict)
    _heartbeats: dict[str, datetime] = field(default_factory=dict)

    def prepare(self, model: ObservedNode, request: ReconcileRequest) -> ObservedNode:
        """Return the model with what the message says and this process remembers."""
        for remembered, life in ((self._cooling, timedelta()), (self._heartbeats, HEARTBEAT)):
            for key in [key for key, moment in remembered.items() if moment + life <= model.now]:
                del remembered[key]
        return replace(
            model,
            token_seed=request.deduplication_id,
            interrupted=Hint.INTERRUPTED in request.hints,
            flip=Hint.FLIP in request.hints,
            cooling=dict(self._cooling),
            heartbeat_due=model.instance_id not in self._heartbeats,
        )

    def done(self, action: Action, observed: ObservedNode) -> None:
        """Remember what was done."""
        if isinstance(action, ProlongHook):
            self._heartbeats[action.instance_id] = observed.now

    def refused(self, action: Action, observed: ObservedNode) -> None:
        """Remember what was refused, where asking again costs three calls."""
        if isinstance(action, AttachNic):
            key = attach_key(action.instance_id, action.device_index)
            self._cooling[key] = observed.now + ATTACH_AGAIN

    def exhausted(self, action: Action, observed: ObservedNode) -> str:
        """Remember that a subnet had no room for what was asked; return its id, or nothing where there is none.

        Whoever has no room for a prefix may still have it for single addresses.
        """
        until = observed.now + COOL_DOWN
        if isinstance(action, CreateNic):
            self._cooling[creation_key(action)] = until
            return action.subnet_id
        eni = observed.eni(action.eni_id) if isinstance(action, Assign) else None
        if eni is None or not isinstance(action, Assign):
            return ""
        self._cooling[cooling_key(eni.subnet_id, action.family, prefixes=action.prefixes)] = until
        return eni.subnet_id
