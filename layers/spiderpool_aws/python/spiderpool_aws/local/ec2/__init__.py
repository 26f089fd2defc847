"""A strict model of EC2's networking: for the demo, the simulations, and tests without an account.

It is never kinder than EC2: reserved and unique addresses, limits for each instance type, prefixes that need a free
aligned block, exhaustion with EC2's own codes, paging, client tokens, throttling and stale describes on a clock, and
the events that each change causes. `Ec2Model` is the model; `connect_in_process` and `moto_server.serve_aws` are its
two fronts; `autoscaling` launches and replaces instances on top of it, with life-cycle hooks and a warm pool;
`interrupt_spot` takes a Spot instance back; `fixtures` builds networks through its API.
"""

from spiderpool_aws.local.ec2.calls import Ec2Call, Fault, FaultHook
from spiderpool_aws.local.ec2.errors import Ec2Error, Ec2TimeoutError
from spiderpool_aws.local.ec2.in_process import connect_autoscaling_in_process, connect_in_process
from spiderpool_aws.local.ec2.model import Ec2Model
from spiderpool_aws.local.ec2.options import DOCUMENTED_BUCKETS, BucketRate, Ec2Options
from spiderpool_aws.local.ec2.spot import interrupt_spot
from spiderpool_aws.local.ec2.state import (
    Attachment,
    Eni,
    Instance,
    Ipv6Address,
    LaunchTemplate,
    SecurityGroup,
    Subnet,
    Vpc,
)

__all__ = [
    "Ec2Model",
    "Ec2Options",
    "BucketRate",
    "DOCUMENTED_BUCKETS",
    "Ec2Error",
    "Ec2TimeoutError",
    "Ec2Call",
    "Fault",
    "FaultHook",
    "connect_in_process",
    "connect_autoscaling_in_process",
    "interrupt_spot",
    "Vpc",
    "Subnet",
    "SecurityGroup",
    "Eni",
    "Attachment",
    "Ipv6Address",
    "Instance",
    "LaunchTemplate",
]
