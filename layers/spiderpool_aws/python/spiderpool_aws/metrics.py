"""The names of what is counted, in one place: the code that counts and the alarms take them from here.

Pure, and below everything: the domain's findings are metrics, too, and the infrastructure code imports it at synthesis.
The codes of refusals, `domain.errors.Code`, are metrics as well. `docs/operations.md` explains every name.
"""

from enum import StrEnum

NAMESPACE = "SpiderpoolAws"
"""CloudWatch's namespace of them all."""

DIMENSION = "service"
"""Every metric's dimension: the function's name, which carries the cluster's."""


class Metric(StrEnum):
    """What is counted, but for refusals."""

    # The policy and the fuse, at every pass.
    POLICY_INVALID = "PolicyInvalid"
    FUSE_TRIPPED = "FuseTripped"

    # The work.
    EVENTS_ROUTED = "EventsRouted"
    EVENTS_DEAD_LETTERED = "EventsDeadLettered"
    MESSAGES_DEAD_LETTERED = "MessagesDeadLettered"
    RECONCILES_DONE = "ReconcilesDone"
    RECONCILES_WAITING = "ReconcilesWaiting"
    RECONCILES_REFUSED = "ReconcilesRefused"
    RECONCILES_FAILED = "ReconcilesFailed"
    WAITS_GIVEN_UP = "WaitsGivenUp"
    CALLS_PACED = "CallsPaced"
    CRASH_SUSPECTS = "CrashSuspects"
    ABSENCE_NOT_NOTED = "AbsenceNotNoted"
    EVENTS_NOT_POSTED = "EventsNotPosted"
    UNREADABLE_OBJECTS = "UnreadableObjects"

    # What the functions ask of EC2, and what a launch and the whole cluster look like.
    EC2_CALLS = "Ec2Calls"
    EC2_THROTTLES = "Ec2Throttles"
    POOLS_REFUSED = "PoolsRefused"
    LAUNCH_TO_POOLS = "LaunchToPools"
    NODES_WAITING = "NodesWaiting"
    SUBNET_ADDRESSES_FREE = "SubnetAddressesFree"

    # Findings: what a person should know of an instance, a NIC or a pool.
    ADDRESS_LOST = "AddressLost"
    CAPACITY_LIMITED = "CapacityLimited"
    CLUSTER_MISMATCH = "ClusterMismatch"
    FOREIGN_MULTUS_CONFIG = "ForeignMultusConfig"
    FOREIGN_POOL = "ForeignPool"
    HOST_ADDRESS_UNKNOWN = "HostAddressUnknown"
    IPV6_HELD = "Ipv6Held"
    INSTANCE_UNKNOWN = "InstanceUnknown"
    LEFT_ALONE = "LeftAlone"
    NIC_LIMITED = "NicLimited"
    NIC_MISSING = "NicMissing"
    NO_SUBNET = "NoSubnet"
    NODE_CLAIMED = "NodeClaimed"
    NODE_MISMATCH = "NodeMismatch"
    NODE_NAME_MISSING = "NodeNameMissing"
    POOL_STUCK = "PoolStuck"
    PREFIX_FALLBACK = "PrefixFallback"
    REMOVAL_HELD = "RemovalHeld"
    SUBNET_CHANGED = "SubnetChanged"
    SUBNET_WITHOUT_FAMILY = "SubnetWithoutFamily"
    TAG_INVALID = "TagInvalid"
    NODE_DOUBLED = "NodeDoubled"
    NODE_NAME_TAKEN = "NodeNameTaken"
    NODE_RENAMED = "NodeRenamed"
    POOL_DISABLED = "PoolDisabled"


FURTHER_DIMENSIONS = {
    Metric.EC2_CALLS: "action",
    Metric.EC2_THROTTLES: "action",
    Metric.SUBNET_ADDRESSES_FREE: "subnet",
}
"""The one more dimension that a metric has. CloudWatch bills each combination, so each is bounded: by the calls that
the product makes, by the subnets in which the cluster has NICs."""

SECONDS = frozenset({Metric.LAUNCH_TO_POOLS})
"""What is measured in seconds; everything else is a count."""
