"""What one process remembers of a cluster whose IPv6 pools change together: when it began, and what is told of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.ports import Reporter

PATIENCE = timedelta(minutes=30)
"""How long every minute counts because IPv6 pools are not yet as they should be: some may never be."""


@dataclass(slots=True)
class FlipWatch:
    """Of one process; another one looks every five minutes."""

    reporter: Reporter
    awaited_since: datetime | None = None
    begun: datetime | None = None

    def is_urgent(self, now: datetime) -> bool:
        """Tell whether every minute counts."""
        return self.awaited_since is not None and now - self.awaited_since < PATIENCE

    def note(self, now: datetime, policy: Policy, *, due: bool, awaited: bool) -> None:
        """Remember what a complete listing showed, and report beginning and end."""
        if due and self.begun is None:
            what = "every node has its IPv6 pools: they become default now"
            self.reporter.info(what if policy.has_ipv6 else "the policy gives no IPv6: no pool of it stays default")
        if due:
            self.begun = now
        if awaited:
            self.awaited_since = self.awaited_since or now
            return
        if self.begun is not None:
            seconds = int((now - self.begun).total_seconds())
            what = "every IPv6 pool is default" if policy.has_ipv6 else "no IPv6 pool is default"
            self.reporter.info(f"{what}: the change took less than {seconds} s", seconds=seconds)
        self.awaited_since = self.begun = None
