"""What EC2 answers when it does not do what was asked, with its own codes.

Codes and texts are those of AWS's page "Error codes for the Amazon EC2 API" and of messages quoted by public
controllers; `tests/unit/ec2_model/test_answers.py` names the source of each.
"""

import re
from collections.abc import Sequence

SERVICE_UNAVAILABLE = 503


class Ec2Error(Exception):
    """An error answer: EC2's code, its text, and the HTTP status that carries it."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class Ec2TimeoutError(Exception):
    """No answer came; whether the call took effect is for the caller to find out."""


def value_error(message: str) -> Ec2Error:
    """Return EC2's catch-all for a value that it does not take."""
    return Ec2Error("InvalidParameterValue", message)


def combination_error(message: str) -> Ec2Error:
    """Return the error for parameters that exclude each other."""
    return Ec2Error("InvalidParameterCombination", message)


def not_modelled(operation: str, service: str = "EC2") -> Ec2Error:
    """Return the error for an action that AWS may have and the local model has not: AWS's code, and who says no."""
    return Ec2Error("InvalidAction", f"The local {service} model does not have the action {operation}.")


def missing(parameter: str) -> Ec2Error:
    """Return the error for a parameter that is required and was not given."""
    return Ec2Error("MissingParameter", f"The request must contain the parameter {parameter}")


_HEX = re.compile(r"[0-9a-f]{8}([0-9a-f]{9})?")

# prefix of the id: (code stem, what the message calls it)
_KINDS = {
    "i": ("InvalidInstanceID", "InvalidInstanceID", "instance ID"),
    "eni": ("InvalidNetworkInterfaceID", "InvalidNetworkInterfaceId", "networkInterface ID"),
    "eni-attach": ("InvalidAttachmentID", "InvalidNetworkInterfaceAttachmentId", "attachment ID"),
    "subnet": ("InvalidSubnetID", "InvalidSubnetID", "subnet ID"),
    "vpc": ("InvalidVpcID", "InvalidVpcID", "vpc ID"),
    "sg": ("InvalidGroup", "InvalidGroupId", "security group"),
    "lt": ("InvalidLaunchTemplateId", "InvalidLaunchTemplateId", "launch template ID"),
}


def check_id(prefix: str, identifier: str) -> None:
    """Refuse what does not look like an id of this kind, as EC2 does before it looks anything up."""
    start = f"{prefix}-"
    if not identifier.startswith(start) or not _HEX.fullmatch(identifier[len(start) :]):
        raise Ec2Error(f"{_KINDS[prefix][1]}.Malformed", f'Invalid id: "{identifier}"')


def not_found(prefix: str, identifiers: Sequence[str]) -> Ec2Error:
    """Return the error for ids that do not exist; the whole call fails with it."""
    stem, _, noun = _KINDS[prefix]
    if len(identifiers) == 1:
        return Ec2Error(f"{stem}.NotFound", f"The {noun} '{identifiers[0]}' does not exist")
    return Ec2Error(f"{stem}.NotFound", f"The {noun}s '{', '.join(identifiers)}' do not exist")


def full_subnet() -> Ec2Error:
    """Return the answer of a subnet that has fewer free IPv4 addresses than asked for."""
    return Ec2Error(
        "InsufficientFreeAddressesInSubnet",
        "The specified subnet does not have enough free addresses to satisfy the request.",
    )


def full_subnet_at_create() -> Ec2Error:
    """Return how CreateNetworkInterface, and any call for prefixes, says that a subnet is full."""
    return value_error("There aren't sufficient free Ipv4 addresses or prefixes")


def no_free_block() -> Ec2Error:
    """Return the answer of a subnet that has free addresses, but no free aligned block of them."""
    return Ec2Error(
        "InsufficientCidrBlocks", "The specified subnet does not have enough free cidr blocks to satisfy the request."
    )


def too_many_addresses() -> Ec2Error:
    """Return the answer when a NIC would hold more addresses than its instance type allows."""
    return Ec2Error("PrivateIpAddressLimitExceeded", "Number of private addresses will exceed limit.")
