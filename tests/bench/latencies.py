"""How long things take in the benchmarks: assumptions, in one place. All in seconds.

EC2's are of the size that CNIs report for the same calls (AttachNetworkInterface: 0.74 s, the mean of six, in
DataDog/integrations-core#10143; AssignPrivateIpAddresses: 0.51 s in aws/amazon-vpc-cni-k8s#3480). What the cluster
needs was measured: docs/benchmarks.md, "On a real API server", and Spiderpool's webhook as it was recorded with 1 and
with 1,000 pools in a subnet.
"""

from spiderpool_aws.deployment import RECONCILE_NODES

VCPU_MB = 1769
"""Memory at which a function has one whole vCPU (Lambda developer guide, "Configure Lambda function memory")."""
SLOWER = VCPU_MB / RECONCILE_NODES.memory_mb
"""How much longer the worker's own work takes than on a whole core."""

EC2_READ = 0.2
EC2_WRITES = {
    "AssignPrivateIpAddresses": 0.5,
    "AssignIpv6Addresses": 0.5,
    "CreateNetworkInterface": 0.5,
    "AttachNetworkInterface": 0.75,
    "ModifyNetworkInterfaceAttribute": 0.25,
}
CPU_OF_A_CALL = 0.004 * SLOWER
"""What boto3 computes for one call."""
SQS = SSM = 0.02
ROUTED = 0.5
"""From a change of state to its request in the queue: EventBridge, and a `route_event` that runs already."""
COLD_START = 2.0
"""Of any function. A burst's first events meet only cold ones."""
OVERHEAD = 0.02 + 0.01 * SLOWER
"""Of an invocation."""
PLANNING = 0.001 * SLOWER
"""Of one node: some plans."""
PAGE, OBJECTS_IN_A_PAGE = 0.046, 500
"""Of a listing, until the API server has sent it: by `make bench-e2e`, at 20,000 pools."""
LISTED_POOL, LISTED_NODE = 0.000025 * SLOWER, 0.00006 * SLOWER
"""What one object of a listing costs its reader, decoded, looked up and indexed: by `tests.bench.batches`, which prints
both. 200 pools of a listing are new to its reader there; a Node is one of 10 kB, parsed each time."""
CLUSTER_CALL = 0.01
"""Any other call to the API server."""
WEBHOOK, WEBHOOK_PER_POOL = 0.021, 0.000132
"""A pool is written: with one pool in its subnet, and for each other there."""
JOINS = 25.0
"""From a running instance to its Node."""


def listing(objects: int, each: float) -> float:
    """Return what it takes to list so many objects."""
    return (objects // OBJECTS_IN_A_PAGE + 1) * PAGE + objects * each
