"""The figures of the deployment, in one place: what CDK deploys is what the local stack runs.

Pure: the infrastructure code imports it at synthesis.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

WORKER_TIMEOUT = timedelta(seconds=60)
"""Of `reconcile_nodes`. What the worker begins, and waits for, fits into it: `node_pass.MARGIN_SECONDS`,
`pacing.WAITS_SECONDS`."""

VISIBILITY_TIMEOUT = 6 * WORKER_TIMEOUT
"""Six times the worker's time-out, as Lambda's guide asks for an SQS event source."""

GIVE_UP = timedelta(minutes=20)
"""How long the worker waits for something, and tries again what fails."""

MAX_RECEIVES = 100
"""Waiting counts as a receive: 20 minutes of it are about forty."""

REQUEST_BYTES = 64 * 1024
"""What the queue of requests takes as one message; ours have some hundred. Far less than the dead-letter queue takes
(262,144 bytes or more), so that whatever comes in gets there with its reason beside it."""

BATCH_SIZE = 5
"""Lambda takes up to ten from a FIFO queue. A worker makes EC2's calls for so many launches at a time, and they share
its reads; its share of the slowest bucket has a token at once for each of them (docs/benchmarks.md)."""

MAX_CONCURRENCY = 10
"""Workers at the same time, by the event source mapping, unless the context says otherwise; what EC2's buckets allow
is divided by it. Ten because AWS's 50 attaches at once are then one batch each; a new account runs ten functions at a
time in all."""

LEAST_CONCURRENCY, MOST_CONCURRENCY = 2, 50
"""What the context may say. Lambda takes no maximum below 2 (developer guide, "Configuring scaling behavior for SQS
event source mappings"); above 50 a worker's share of the slowest bucket is less than one call."""


@dataclass(frozen=True, slots=True)
class BucketRate:
    """A token bucket: how many calls at once, and how many more each second."""

    burst: float
    refill_per_second: float


_HUNDRED_BY_FIVE, _FIFTY_BY_FIVE = BucketRate(100, 5), BucketRate(50, 5)
EC2_BUCKETS: Mapping[str, BucketRate] = MappingProxyType(
    {
        "AssignIpv6Addresses": _HUNDRED_BY_FIVE,
        "AssignPrivateIpAddresses": _HUNDRED_BY_FIVE,
        "AttachNetworkInterface": _FIFTY_BY_FIVE,
        "CreateNetworkInterface": _HUNDRED_BY_FIVE,
        "CreateTags": BucketRate(100, 10),
        "DeleteNetworkInterface": _HUNDRED_BY_FIVE,
        "ModifyNetworkInterfaceAttribute": _HUNDRED_BY_FIVE,
        "UnassignIpv6Addresses": _FIFTY_BY_FIVE,
        "UnassignPrivateIpAddresses": _HUNDRED_BY_FIVE,
    }
)
"""What EC2 gives an account in a region for each action that writes: "Request throttling for the Amazon EC2 API",
2026. AttachNetworkInterface and UnassignIpv6Addresses have no row of their own in its table (UnassignPrivateIpAddresses
has): each has a bucket of the size that mutating actions have."""

REQUESTS, DEAD_REQUESTS, LOST_EVENTS = "requests.fifo", "requests-dead.fifo", "lost-events"
"""What the queues are called behind `spiderpool-aws-<cluster>-`: the stack makes them, the commands look for them.

None ends with `-<another>`, else the clusters `a` and `a-dead` would meet.
"""

RESYNC_SCHEDULE = timedelta(minutes=1)
"""How often the resync is invoked. It passes over what is not due: sizes that follow use, and IPv6 pools that change,
are looked at each time."""
RESYNC_PERIOD = 5 * RESYNC_SCHEDULE
"""How often it looks at everything, whatever the policy; what lasts is counted in each of these periods."""

HEARTBEAT = timedelta(minutes=5)
"""How often a group that waits is told that the instance is being worked on."""
HOOK_TIMEOUT = 2 * HEARTBEAT
"""After which an Auto Scaling group goes on without us: one heartbeat may be lost."""

TOKEN_LIFE = timedelta(minutes=5)
"""Of an AWS-signed token for the cluster: the function asks for it, and its role allows no longer one. AWS's default;
short, because a token cannot outlive the session of the role that asks for it."""


@dataclass(frozen=True, slots=True)
class Function:
    """One Lambda function."""

    name: str
    """Also the module under `lambdas/`, which has a `handler`."""
    timeout: timedelta
    memory_mb: int
    in_vpc: bool
    """Whether it talks to the cluster, and so runs in the nodes' subnets."""

    @property
    def handler(self) -> str:
        """Return what Lambda calls."""
        return f"lambdas.{self.name}.handler"


ROUTE_EVENT = Function("route_event", timedelta(seconds=60), 256, in_vpc=False)
# A whole vCPU: the time of a batch is that of EC2's answers, and of parsing all pools of the cluster.
RECONCILE_NODES = Function("reconcile_nodes", WORKER_TIMEOUT, 1769, in_vpc=True)
RESYNC = Function("resync", timedelta(seconds=300), 1024, in_vpc=True)
FUNCTIONS = (ROUTE_EVENT, RECONCILE_NODES, RESYNC)

_CLUSTER = r"[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?"
"""It becomes a part of the names of roles, queues and stacks, of which the shortest limit is 64 characters.

No capitals: IAM takes `Prod` and `prod` for one role (IAM user guide, "IAM and AWS STS quotas"), all others for two.
"""


def cluster_problem(cluster: str) -> str | None:
    """Return why a cluster of this name cannot be deployed by CDK; None when it can."""
    if re.fullmatch(_CLUSTER, cluster):
        return None
    return (
        f"cluster {cluster!r} becomes part of AWS names: take at most 24 small letters, digits and `-`, "
        "with a letter or digit at both ends"
    )


@dataclass(frozen=True, slots=True)
class Names:
    """What the things of one cluster are called: two clusters in one account and region do not meet."""

    cluster: str

    def of(self, what: str) -> str:
        """Return the name of a thing: `spiderpool-aws-<cluster>-<what>`."""
        return f"spiderpool-aws-{self.cluster}-{what.replace('_', '-')}"

    @property
    def policy_parameter(self) -> str:
        """Return the SSM parameter that holds the policy."""
        return f"/spiderpool-aws/{self.cluster}/policy"

    @property
    def fuse_parameter(self) -> str:
        """Return the SSM parameter that holds the fuse."""
        return f"/spiderpool-aws/{self.cluster}/fuse"

    @property
    def join_parameter(self) -> str:
        """Return the SSM parameter with the script that joins a node to the cluster."""
        return f"/spiderpool-aws/{self.cluster}/join"

    @property
    def kubeconfig_secret(self) -> str:
        """Return the secret that holds the kubeconfig, for the login of that name."""
        return f"spiderpool-aws/{self.cluster}/kubeconfig"
