"""The settings of the model: delays, throttling, staleness, choice of addresses."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class BucketRate:
    """A token bucket: how many calls at once, and how many more each second."""

    burst: int
    refill_per_second: float


_HUNDRED_BY_FIVE = BucketRate(100, 5)

# AWS, "Request throttling for the Amazon EC2 API" (2026). `Describe` and `Mutating` are one bucket
# per action that has none of its own, such as AttachNetworkInterface and UnassignIpv6Addresses;
# `Describe:unfiltered` is drawn on as well by a describe with neither filter, nor ids, nor MaxResults.
DOCUMENTED_BUCKETS: Mapping[str, BucketRate] = MappingProxyType(
    {
        "CreateNetworkInterface": _HUNDRED_BY_FIVE,
        "DeleteNetworkInterface": _HUNDRED_BY_FIVE,
        "ModifyNetworkInterfaceAttribute": _HUNDRED_BY_FIVE,
        "AssignPrivateIpAddresses": _HUNDRED_BY_FIVE,
        "AssignIpv6Addresses": _HUNDRED_BY_FIVE,
        "UnassignPrivateIpAddresses": _HUNDRED_BY_FIVE,
        "CreateTags": BucketRate(100, 10),
        "DeleteTags": BucketRate(100, 10),
        "Mutating": BucketRate(50, 5),
        "Describe": BucketRate(100, 20),
        "Describe:unfiltered": BucketRate(50, 10),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ec2Options:
    """How this EC2 behaves where the real one varies; all times in seconds of the clock."""

    pending_seconds: float = 10.0
    stopping_seconds: float = 20.0
    shutting_down_seconds: float = 20.0
    terminated_kept_seconds: float = 3600.0
    attaching_seconds: float = 2.0
    detaching_seconds: float = 5.0
    eni_pending_seconds: float = 1.0
    cloudtrail_delay_seconds: float = 60.0
    state_change_delay_seconds: float = 0.0
    describe_lag_seconds: float = 0.0  # describes answer with the state as it was this long ago
    write_lag_seconds: float = 0.0  # calls that name a NIC do not find it for this long after its creation
    lag_seed: int | None = None  # None: always these lags; else each call draws its own, seeded, from 0 up to them
    random_seed: int | None = None  # None: the lowest free address; else a seeded random one
    buckets: Mapping[str, BucketRate] | None = None  # None: no throttling; DOCUMENTED_BUCKETS: AWS's
    zones: tuple[str, ...] = ("a", "b", "c")  # letters of the region's availability zones
    cloudtrail_wraps_ipv6: bool = True  # requestParameters under `AssignIpv6AddressesRequest`
