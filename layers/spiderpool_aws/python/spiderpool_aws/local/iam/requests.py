"""What is asked of IAM: one action on one or more resources, with the keys that AWS puts beside each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Values = tuple[str, ...]
Keys = Mapping[str, Values]


@dataclass(frozen=True, slots=True)
class Target:
    """A resource of the request; an action that knows no resources has the one ARN `*`."""

    arn: str
    keys: Keys = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """One decision. It is allowed when it is for every one of its targets."""

    action: str
    targets: tuple[Target, ...] = (Target("*"),)
    keys: Keys = field(default_factory=dict)
    """What is the same for all targets: who calls, and what is asked for."""

    def context_of(self, target: Target) -> dict[str, Values]:
        """Return the keys of one target by their names in lower case: IAM compares names so."""
        pairs: Iterator[tuple[str, Values]] = iter([*self.keys.items(), *target.keys.items()])
        return {name.lower(): values for name, values in pairs}


def tags(key: str, of: Mapping[str, str]) -> dict[str, Values]:
    """Return `<key>/<tag>` for each tag."""
    return {f"{key}/{name}": (value,) for name, value in of.items()}
