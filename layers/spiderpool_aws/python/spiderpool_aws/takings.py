"""What one process has taken out of subnets a moment ago: EC2's count of free addresses may not show it yet.

The count of a describe may be as old as any other answer (EC2 developer guide, "Eventual consistency in the Amazon EC2
API"). A reserve would be broken by it: EC2 refuses what it does not have, but knows of no reserve.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime

from spiderpool_aws.domain.instance import Subnet
from spiderpool_aws.domain.memory import SECOND_LOOK


@dataclass(slots=True)
class Takings:
    """Of one process: what another one takes at the same moment nobody can know."""

    _taken: dict[str, list[tuple[datetime, int]]] = field(default_factory=dict)

    def note(self, subnet_id: str, count: int, now: datetime) -> None:
        """Note that EC2 gave so many addresses of a subnet, or may have."""
        if count:
            self._taken[subnet_id] = [*self._lately(subnet_id, now), (now, count)]

    def beside(self, subnet: Subnet, now: datetime) -> Subnet:
        """Return a subnet that was counted just now, with what its count may lack."""
        return replace(subnet, taken_lately=sum(count for _, count in self._lately(subnet.subnet_id, now)))

    def _lately(self, subnet_id: str, now: datetime) -> list[tuple[datetime, int]]:
        return [(moment, count) for moment, count in self._taken.get(subnet_id, ()) if now - moment < SECOND_LOOK]
