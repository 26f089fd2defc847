"""EC2's token buckets, for each account and region, on the clock."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from spiderpool_aws.local.ec2.errors import SERVICE_UNAVAILABLE, Ec2Error
from spiderpool_aws.local.ec2.options import BucketRate
from spiderpool_aws.local.ec2.registry import Operation, Params

_IDS = ("InstanceIds", "NetworkInterfaceIds", "SubnetIds", "VpcIds", "GroupIds", "InstanceTypes", "LaunchTemplateIds")


@dataclass(slots=True)
class _Bucket:
    rate: BucketRate
    tokens: float
    filled_at: datetime

    def take(self, now: datetime) -> bool:
        seconds = (now - self.filled_at).total_seconds()
        self.tokens = min(self.rate.burst, self.tokens + seconds * self.rate.refill_per_second)
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Throttle:
    """Counts calls. Refused ones cost nothing but the call."""

    def __init__(self, rates: Mapping[str, BucketRate] | None, now: Callable[[], datetime]) -> None:
        self._rates = rates or {}
        self._now = now
        self._buckets: dict[str, _Bucket] = {}

    def admit(self, operation: Operation, params: Params) -> None:
        """Take a token for the call, or refuse it with RequestLimitExceeded."""
        if not self._rates:
            return
        names = [operation.name]
        if operation.name.startswith("Describe") and not any(params.get(n) for n in ("Filters", "MaxResults", *_IDS)):
            names.append(f"{operation.name}:unfiltered")
        for name in names:
            bucket = self._bucket(name, mutating=operation.mutating)
            if bucket and not bucket.take(self._now()):
                raise Ec2Error("RequestLimitExceeded", "Request limit exceeded.", SERVICE_UNAVAILABLE)

    def _bucket(self, name: str, *, mutating: bool) -> _Bucket | None:
        if name not in self._buckets:
            action, _, part = name.partition(":")
            general = "Mutating" if mutating else f"Describe:{part}" if part else "Describe"
            known = mutating or action.startswith("Describe")
            rate = self._rates.get(name) or (self._rates.get(general) if known else None)
            if rate is None:
                return None
            self._buckets[name] = _Bucket(rate, rate.burst, self._now())
        return self._buckets[name]
