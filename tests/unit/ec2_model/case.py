"""One claim about EC2, as the tables of `answers_*` have it, and what several of them share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .scene import Scene

API = "doc: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"
GUIDE = "doc: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/"
VPC_GUIDE = "doc: https://docs.aws.amazon.com/vpc/latest/userguide/"
ERRORS = f"{API}errors-overview.html"
CNI = "issue: https://github.com/aws/amazon-vpc-cni-k8s/"

Params = Mapping[str, Any]


def nothing(scene: Scene) -> None:
    """Leave the scene as it is."""


@dataclass(frozen=True)
class Case:
    """A sentence; what is so before; the call; the answer or the error; the source.

    Sources: `doc:` a page of AWS's documentation, `issue:` a thread in which EC2's answer is quoted, `code:` a public
    controller's source that depends on the answer, `moto:` a fact of moto's data. With `code_is_ours`, the source says
    that EC2 refuses, but not with which code: nothing may be built on that code.
    """

    claim: str
    operation: str
    params: Callable[[Scene], Params]
    source: str
    before: Callable[[Scene], object] = nothing
    error: str | None = None
    message: str = ""
    answer: Callable[[dict[str, Any], Scene], object] = lambda *_: True
    code_is_ours: bool = False


def full(scene: Scene) -> None:
    """Leave no address in the /28: 16 minus 5 reserved is 11."""
    scene.create_eni(SubnetId=scene.tiny, SecondaryPrivateIpAddressCount=10)


def dual(scene: Scene) -> None:
    scene.call("AssignIpv6Addresses", NetworkInterfaceId=scene.nic0, Ipv6AddressCount=2)
    scene.call("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=scene.nic0, EnablePrimaryIpv6=True)


def xen_instance(scene: Scene) -> str:
    """Have an instance that is not Nitro run."""
    identifier = scene.launch(instance_type="m4.large")
    scene.clock.advance(60)
    return identifier
