"""What one process remembers from pass to pass: nothing that matters, only what saves calls and time."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from spiderpool_aws.cool_downs import CoolDowns, asked_of
from spiderpool_aws.deployment import GIVE_UP, HEARTBEAT
from spiderpool_aws.domain.actions.nics import AttachNic, CreateNic, DeleteNic
from spiderpool_aws.domain.actions.plan import Action
from spiderpool_aws.domain.lifecycle import ProlongHook, Transition
from spiderpool_aws.domain.memory import SECOND_LOOK
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.request import Hint, ReconcileRequest
from spiderpool_aws.domain.rules.nics import attach_key

ATTACH_AGAIN = timedelta(minutes=30)
"""How long no NIC is created for an instance and index whose last one could not be attached and was deleted again."""
SHOWN_AFTER = 2 * SECOND_LOOK
"""After so long EC2 surely shows a NIC that it said it created: one that it does not show is gone."""
ATTEMPT = 1.5 * GIVE_UP
"""How long a creation is remembered: longer than its message is worked on."""
DRAIN = timedelta(hours=2)
"""How long it is remembered since when a group waits: longer than any `drainSeconds`."""


@dataclass(frozen=True, slots=True)
class _Created:
    """What EC2 said that it created for an instance."""

    eni_id: str
    instance_id: str


@dataclass(slots=True)
class Recollection:
    """Of one process. Another one asks the full subnet once more, and sends a heartbeat of its own."""

    _cool_downs: CoolDowns = field(default_factory=CoolDowns)
    _unattachable: dict[str, datetime] = field(default_factory=dict)
    _heartbeats: dict[str, datetime] = field(default_factory=dict)
    _leaving: dict[str, datetime] = field(default_factory=dict)
    _created: dict[_Created, datetime] = field(default_factory=dict)
    _gone: dict[_Created, datetime] = field(default_factory=dict)

    def prepare(self, model: ObservedNode, request: ReconcileRequest) -> ObservedNode:
        """Return the model with what the message says and this process remembers."""
        self._forget(model.now)
        if model.lifecycle is not None and model.lifecycle.waiting is Transition.TERMINATING:
            self._leaving.setdefault(model.instance_id, model.now)
        else:
            self._leaving.pop(model.instance_id, None)
        return replace(
            model,
            token_seed=self._token_seed(model, request),
            warned=min(request.warned_at or model.now, model.now) if Hint.INTERRUPTED in request.hints else None,
            flip=Hint.FLIP in request.hints,
            cooling={**self._cool_downs.of(model), **self._unattachable},
            heartbeat_due=model.instance_id not in self._heartbeats,
            leaving_since=self._leaving.get(model.instance_id),
        )

    def _forget(self, now: datetime) -> None:
        remembered: tuple[tuple[dict[str, datetime] | dict[_Created, datetime], timedelta], ...] = (
            (self._unattachable, timedelta()),
            (self._heartbeats, HEARTBEAT),
            (self._leaving, DRAIN),
            (self._created, ATTEMPT),
            (self._gone, ATTEMPT),
        )
        for known, life in remembered:
            for key in [key for key, moment in known.items() if moment + life <= now]:
                del known[key]  # type: ignore[arg-type]

    def _token_seed(self, model: ObservedNode, request: ReconcileRequest) -> str:
        """Return what makes the client tokens of this attempt.

        The same message may need a second NIC because its first is gone; with the same token EC2 would answer with
        that first one and create nothing (EC2 developer guide, "Ensuring idempotency in Amazon EC2 API requests").
        So what is known to be gone belongs to it. Whoever repeats an attempt without knowing has the same token.
        """
        at_the_instance = model.instance.enis if model.instance is not None else ()
        enis = (*model.spares, *model.unsettled, *at_the_instance)
        shown = {eni.eni_id for eni in enis}
        for created, moment in list(self._created.items()):
            overdue = created.instance_id == model.instance_id and model.now - moment >= SHOWN_AFTER
            if overdue and created.eni_id not in shown:
                self._gone[created] = model.now
                del self._created[created]
        gone = sorted(known.eni_id for known in self._gone if known.instance_id == model.instance_id)
        return ":".join((request.attempt or request.deduplication_id, *gone))

    def done(self, action: Action, observed: ObservedNode) -> None:
        """Remember what was done."""
        match action:
            case ProlongHook():
                self._heartbeats[action.instance_id] = observed.now
            case CreateNic():
                created = _Created(observed.spares[-1].eni_id, observed.instance_id)
                self._created.setdefault(created, observed.now)
            case DeleteNic():
                self._gone[_Created(action.eni_id, observed.instance_id)] = observed.now
        if (asked := asked_of(action, observed)) is not None:
            self._cool_downs.succeeded(asked, observed)

    def refused(self, action: Action, observed: ObservedNode) -> None:
        """Remember what was refused, where asking again costs three calls."""
        if isinstance(action, AttachNic):
            key = attach_key(action.instance_id, action.device_index)
            self._unattachable[key] = observed.now + ATTACH_AGAIN

    def exhausted(self, action: Action, observed: ObservedNode) -> None:
        """Remember that a subnet had no room for what was asked; its free addresses are counted anew.

        Whoever has no room for a prefix may still have it for single addresses.
        """
        if (asked := asked_of(action, observed)) is not None:
            self._cool_downs.begin(asked, observed)
