"""What people have said: the policy in force, and the fuse."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from spiderpool_aws.domain.errors import PolicyError
from spiderpool_aws.domain.fuse import Fuse
from spiderpool_aws.domain.policy.model import Policy, parse_policy


@dataclass(frozen=True, slots=True)
class Control:
    """The policy in force and the fuse, as one reading found them."""

    policy: Policy | None
    """None: no version in the parameter's history is valid; nothing is done."""
    fuse: Fuse = field(default_factory=Fuse)
    problem: str = ""
    """Why the newest version of the policy is not the one in force; empty when it is."""

    @property
    def removals_held(self) -> str:
        """Return why nothing may be removed; empty when it may.

        Under a policy that no resync has judged nothing is: who looks at one node does not see how much it takes away.
        """
        if self.fuse.held or self.policy is None or self.fuse.policy == self.policy.digest:
            return self.fuse.held
        return "no resync has judged this policy yet"

    def unheld(self) -> "Control":
        """Return it for plans that a person, or the fuse, judges before they are carried out."""
        return replace(self, fuse=Fuse(policy=self.policy.digest if self.policy is not None else ""))

    def judged(self) -> "Control":
        """Return it as if a resync had judged the policy: a person has seen what it does. What is held stays so."""
        policy = self.policy.digest if self.policy is not None else ""
        return replace(self, fuse=replace(self.fuse, policy=policy))


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One version of the policy's parameter."""

    number: int
    text: str


def policy_in_force(
    newest: PolicyVersion, history: Callable[[], Iterable[PolicyVersion]], where: str
) -> tuple[Policy | None, str]:
    """Return the newest valid version, and why that is not the newest one; empty when it is (invariant 11).

    `history` is asked only when the newest is not valid; it gives every version, in any order. `where` is for people.
    """
    try:
        return parse_policy(newest.text), ""
    except PolicyError as error:
        what, why = f"version {newest.number} of the policy {where} is not valid", str(error)
    older = (version for version in history() if version.number < newest.number)
    for version in sorted(older, key=lambda version: version.number, reverse=True):
        try:
            return parse_policy(version.text), f"{what}, version {version.number} stays in force:\n{why}"
        except PolicyError:
            continue
    return None, f"{what}, nor is any version before it, so nothing is done:\n{why}"
