"""An instance that lacks a NIC, and the policy under which one is created for it."""

import json
from dataclasses import replace
from typing import Any

from spiderpool_aws.domain.actions.nics import CreateNic
from spiderpool_aws.domain.instance import (
    CLUSTER_TAG,
    INDEX_TAG,
    INSTANCE_TAG,
    Eni,
    Subnet,
)
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit import build
from tests.unit.build import eni, instance, observed, policy
from tests.unit.domain.planning import FULL

ROLE = {"spiderpool-aws/role": "secondary-nic"}
SPARE_TAGS = {CLUSTER_TAG: "prod", INSTANCE_TAG: "i-1", INDEX_TAG: "1"}


def creating(ipv4: Any = None, ipv6: Any = None, **nic: Any) -> Policy:
    """Return a policy of two NICs whose second one may be created in the subnets with the role's tag."""
    document = json.loads(
        json.dumps(
            policy(ipv4=ipv4, ipv6=ipv6).model_dump(mode="json", by_alias=True, exclude_unset=True, warnings=False)
        )
    )
    document["groups"][0]["interfaces"][1] |= {"subnets": {"tags": ROLE, "reserve": 8}} | nic
    return Policy.model_validate(document)


def subnet(name: str, free: int = 100, **changes: Any) -> Subnet:
    return replace(build.SUBNET_1, subnet_id=name, available_ipv4=free, tags=ROLE, **changes)


def one_nic(*subnets: Subnet, **changes: Any) -> ObservedNode:
    """Return an instance with its first NIC only, and the subnets in which its second may be created."""
    known = {"subnet-0": build.SUBNET_0} | {s.subnet_id: s for s in subnets or (subnet("subnet-1"),)}
    first = eni(0, ipv4=FULL, groups=("sg-1", "sg-2"))
    return observed(instance=instance(first), subnets=known, token_seed="event-1:i-1", **changes)


def spare(**changes: Any) -> Eni:
    return replace(eni(1, attachment_id="", attached=False, tags=SPARE_TAGS, groups=("sg-2", "sg-1")), **changes)


def created(model: ObservedNode, the_policy: Policy) -> CreateNic:
    (action,) = (a for a in plan_node(model, the_policy).actions if isinstance(a, CreateNic))
    return action
