"""The values of the context as people write them: cdk.json has JSON's types, the command line has texts only."""

import ipaddress
import json
import re
from typing import Annotated, Any

from pydantic import BeforeValidator

from spiderpool_aws.settings import rates_document
from spiderpool_aws.trust import authority_from, checked_url
from stacks.addressing import LARGEST_VPC, SMALLEST_VPC

NO_NETWORKS = tuple(map(ipaddress.IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")))
"""What every host takes for something else: itself, its link (where the instance metadata are), groups (RFC 6890)."""

PARAMETER_NAME = re.compile(r"[A-Za-z0-9_.-]+|(/[A-Za-z0-9_.-]+)+")
"""One word, or a whole path (Systems Manager user guide, "Understanding parameter name requirements")."""

RETENTION_DAYS = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)
"""What CloudWatch Logs takes (API reference, PutRetentionPolicy)."""


def _whole(given: object) -> object:
    # Python's True is the number 1.
    if isinstance(given, bool):
        raise ValueError("a truth value is no number")
    return given


def _items(given: object) -> object:
    """Take a list as JSON or, from the command line, separated by commas; no item twice."""
    items = given
    if isinstance(given, str):
        if given.lstrip().startswith("["):
            items = _list_of(given)
        else:
            items = [item.strip() for item in given.split(",") if item.strip()]
    if isinstance(items, list | tuple):
        twice = next((item for item in items if items.count(item) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice!r} is there twice")
    return items


def _list_of(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise ValueError("it begins as a JSON list and is none; without the bracket, commas separate") from None


def _network(given: object) -> object:
    """Take a CIDR of either family, written as AWS shows it; an empty text means none."""
    if isinstance(given, str) and given:
        network = ipaddress.ip_network(given, strict=False)
        if str(network) != given:
            raise ValueError(f"the network is {network}")
    return given


def _vpc_network(given: object) -> object:
    if not isinstance(given, str):
        raise ValueError("a CIDR is a text")
    _network(given)
    network = ipaddress.IPv4Network(given)
    if network.prefixlen < LARGEST_VPC:
        raise ValueError(f"a VPC is at most a /{LARGEST_VPC}")
    if network.prefixlen > SMALLEST_VPC:
        raise ValueError("it is too small for the subnets of three zones")
    other = next((one for one in NO_NETWORKS if network.overlaps(one)), None)
    if other is not None:
        raise ValueError(f"no host may have an address of {other}")
    return given


def _own_parameter(given: object) -> object:
    """Take the name of a parameter that a user can make; an empty text means none."""
    if isinstance(given, str) and given:
        if not PARAMETER_NAME.fullmatch(given):
            raise ValueError("it is one word, or a path that begins with a slash")
        if given.lower().lstrip("/").startswith(("aws", "ssm")):
            raise ValueError("names that begin with aws or ssm are AWS's own")
    return given


def _retention(given: object) -> object:
    days = int(given) if isinstance(given, str) and given.isdecimal() else _whole(given)
    if days not in RETENTION_DAYS:
        raise ValueError("CloudWatch Logs does not take it")
    return days


def _url(given: object) -> object:
    return checked_url(given) if isinstance(given, str) and given else given


def _authority(given: object) -> object:
    if isinstance(given, str) and given:
        authority_from(given)
    return given


Whole = Annotated[int, BeforeValidator(_whole)]
ITEMS = BeforeValidator(_items)
Cidr = Annotated[str, BeforeValidator(_network)]
OwnParameter = Annotated[str, BeforeValidator(_own_parameter)]
VpcCidr = Annotated[str, BeforeValidator(_vpc_network)]
Retention = Annotated[int, BeforeValidator(_retention)]
Url = Annotated[str, BeforeValidator(_url)]
Authority = Annotated[str, BeforeValidator(_authority)]
Rates = Annotated[dict[str, Any], BeforeValidator(rates_document)]
"""What its values have to be, `settings.rate_problems` says."""
