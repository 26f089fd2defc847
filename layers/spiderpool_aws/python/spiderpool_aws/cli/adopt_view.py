"""The plan of an adoption, for people and for programs."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from spiderpool_aws.adopting import Adopted
from spiderpool_aws.domain.adoption.plan import Adoption, AdoptionPlan
from spiderpool_aws.domain.policy.model import Policy


def as_text(plan: AdoptionPlan, policy: Policy, *, yes: bool) -> str:
    """Return the plan as it is shown before anything is done."""
    if not plan.adoptions:
        return "No hand-made pool lists an address of a node's NIC: nothing to adopt."
    lines: list[str] = []
    for instance_id, adoptions in groupby(plan.ready, key=lambda adoption: adoption.instance_id):
        lines += _node(instance_id, list(adoptions), plan, policy)
    if plan.refused:
        lines += ["", "Not adopted"]
        for refused in plan.refused:
            lines.append(f"  x {refused.name} [{refused.before.spec.ips}]")
            lines += [f"      {problem}" for problem in refused.problems]
    total = f"{len(plan.ready)} to adopt, {len(plan.refused)} not adopted."
    ask = "" if yes or not plan.ready else " Nothing is written yet: with --yes they are adopted."
    return "\n".join([*lines, "", total + ask])


def outcome_line(outcome: Adopted) -> str:
    """Return what became of one pool."""
    name = outcome.adoption.name
    return f"{name}: not adopted: {outcome.refusal}" if outcome.refusal else f"{name}: adopted"


def as_document(plan: AdoptionPlan, outcomes: Iterable[Adopted]) -> dict[str, Any]:
    """Return the same as data, with what was done."""
    outcomes = list(outcomes)
    return {
        "ready": [_document(adoption) for adoption in plan.ready],
        "refused": [
            {"pool": adoption.name, "uid": adoption.before.uid, "problems": list(adoption.problems)}
            for adoption in plan.refused
        ],
        "then": {instance_id: list(lines) for instance_id, lines in plan.then.items()},
        "adopted": [outcome.adoption.name for outcome in outcomes if not outcome.refusal],
        "failed": [{"pool": o.adoption.name, "reason": o.refusal} for o in outcomes if o.refusal],
    }


def _node(instance_id: str, adoptions: list[Adoption], plan: AdoptionPlan, policy: Policy) -> list[str]:
    node = adoptions[0].places[0].model.node
    lines = ["", f"{instance_id}, Node {node.name if node else '?'}"]
    for adoption in adoptions:
        after = adoption.after or adoption.before
        lines.append(f"  + {adoption.name} [{after.spec.ips}]")
        lines += [f"      {change}" for change in adoption.changes]
        lines += [f"      ! {note}" for note in adoption.notes]
    when = "" if policy.mode == "apply" else f" (when the policy's mode is apply; it is {policy.mode})"
    then = plan.then.get(instance_id) or ("nothing",)
    return [*lines, f"  then the next reconcile does{when}:", *(f"      {line}" for line in then)]


def _document(adoption: Adoption) -> dict[str, Any]:
    after, place = adoption.after or adoption.before, adoption.places[0]
    return {
        "pool": adoption.name,
        "uid": adoption.before.uid,
        "instance": place.model.instance_id,
        "node": place.model.node.name if place.model.node else None,
        "eni": place.eni.eni_id,
        "family": int(after.family),
        "ipsBefore": adoption.before.spec.ips.to_ranges(),
        "ips": after.spec.ips.to_ranges(),
        "changes": list(adoption.changes),
        "notes": list(adoption.notes),
    }
