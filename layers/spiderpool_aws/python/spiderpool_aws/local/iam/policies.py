"""Identity policies as IAM reads them, and its decision: an explicit deny, else an allow, else an implicit deny."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spiderpool_aws.local.iam.catalog import ACTIONS, known_action
from spiderpool_aws.local.iam.conditions import Condition, parse_conditions
from spiderpool_aws.local.iam.errors import UnknownToIamError
from spiderpool_aws.local.iam.matching import covers, is_like
from spiderpool_aws.local.iam.requests import Keys, Request, Values

_ELEMENTS = {"Sid", "Effect", "Action", "NotAction", "Resource", "Condition"}
_VERSION = "2012-10-17"


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement whose every part is known."""

    sid: str
    allows: bool
    actions: Values
    """Patterns in lower case."""
    excludes: bool
    """The actions are those of a NotAction."""
    resources: Values
    conditions: tuple[Condition, ...] = ()

    def applies(self, action: str, arn: str, context: Keys) -> bool:
        """Tell whether it is about this action on this resource, and its conditions hold."""
        named = any(is_like(pattern, action.lower()) for pattern in self.actions)
        return (
            named is not self.excludes
            and any(covers(resource, arn) for resource in self.resources)
            and all(condition.holds(context) for condition in self.conditions)
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is not allowed, on which resource, and whether a statement says so or none says otherwise."""

    action: str
    arn: str
    explicit: bool

    @property
    def reason(self) -> str:
        """Return the reason as AWS's own messages have it."""
        if self.explicit:
            return "with an explicit deny in an identity-based policy"
        return f"because no identity-based policy allows the {self.action} action"


def judge(statements: Iterable[Statement], request: Request) -> Refusal | None:
    """Return what refuses the request; None when every one of its resources is allowed."""
    action, policy = known_action(request.action), tuple(statements)
    if not request.targets:
        raise UnknownToIamError(f"{action} on no resource: an action without resource types has the one `*`")
    for target in request.targets:
        context = request.context_of(target)
        effects = {statement.allows for statement in policy if statement.applies(action, target.arn, context)}
        if effects != {True}:
            return Refusal(action, target.arn, explicit=False in effects)
    return None


def parse_policy_document(document: Mapping[str, Any]) -> tuple[Statement, ...]:
    """Return the statements of a document. Raises UnknownToIamError for an element, operator, key or action."""
    if set(document) != {"Version", "Statement"} or document["Version"] != _VERSION:
        raise UnknownToIamError(f"a policy has Version {_VERSION} and Statement, not {dict(document)!r}")
    return tuple(_statement(statement) for statement in _listed(document["Statement"]))


def _statement(given: Mapping[str, Any]) -> Statement:
    unknown = sorted(set(given) - _ELEMENTS)
    if unknown:
        raise UnknownToIamError(f"the statement's element {', '.join(unknown)} is not modelled")
    if given.get("Effect") not in ("Allow", "Deny"):
        raise UnknownToIamError(f"Effect is Allow or Deny, not {given.get('Effect')!r}")
    if ("Action" in given) == ("NotAction" in given) or "Resource" not in given:
        raise UnknownToIamError(f"a statement has Resource, and either Action or NotAction: {dict(given)!r}")
    return Statement(
        sid=given.get("Sid", ""),
        allows=given["Effect"] == "Allow",
        actions=_actions(_texts(given.get("Action") or given["NotAction"])),
        excludes="NotAction" in given,
        resources=_texts(given["Resource"]),
        conditions=parse_conditions(given.get("Condition", {})),
    )


def _actions(patterns: Values) -> Values:
    for pattern in patterns:
        if not any(is_like(pattern.lower(), action) for action in ACTIONS):
            raise UnknownToIamError(f"the action {pattern} is not modelled")
    return tuple(pattern.lower() for pattern in patterns)


def _texts(given: Any) -> Values:
    texts = _listed(given)
    for text in texts:
        if not isinstance(text, str) or "${" in text:
            raise UnknownToIamError(f"a text without policy variables is needed, not {text!r}")
    return tuple(texts)


def _listed(given: Any) -> Sequence[Any]:
    return given if isinstance(given, list) else [given]
