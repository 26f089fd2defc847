"""What CloudTrail writes about an EC2 call, in the keys that EC2 uses there.

Seen in public records: AttachNetworkInterface has networkInterfaceId, instanceId, deviceIndex, and in the response
requestId and attachmentId; AssignPrivateIpAddresses has networkInterfaceId, an empty privateIpAddressesSet and
secondaryPrivateIpAddressCount (aws/amazon-vpc-cni-k8s issue 989); CreateNetworkInterface has groupSet.items,
privateIpAddressesSet, tagSpecificationSet.items, and the whole networkInterface in the response; error codes carry
"Client." or "Server."; times in responses are milliseconds; CreateLaunchTemplate has its parameters under
`CreateLaunchTemplateRequest`, in capitals. No public record of AssignIpv6Addresses was found: it is newer than the
lower-case calls, so it is written in the second way by default, and in the first with an option.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from botocore.model import ListShape, Shape, StructureShape

from spiderpool_aws.local.ec2.calls import Ec2Call
from spiderpool_aws.local.ec2.errors import Ec2Error
from spiderpool_aws.local.isolated import isolated_botocore_session

Json = dict[str, Any]

_SERVER_ERROR = 500
_WRAPPED = frozenset({"CreateLaunchTemplate", "CreateLaunchTemplateVersion", "CreateSubnetCidrReservation"})
_WRAPPED_IPV6 = frozenset({"AssignIpv6Addresses", "UnassignIpv6Addresses"})
# Lists of ids: the key of the set, and of the id in each item.
_ID_SETS = {
    "InstanceIds": ("instancesSet", "instanceId"),
    "Groups": ("groupSet", "groupId"),
    "SecurityGroupIds": ("groupSet", "groupId"),
    "Resources": ("resourcesSet", "resourceId"),
}
_OF_EACH_INSTANCE = ("ImageId", "MinCount", "MaxCount")
_SETS = {"Tags": "tagSet", "TagSpecifications": "tagSpecificationSet", "NetworkInterfaces": "networkInterfaceSet"}


def user_identity(caller: str, account_id: str, partition: str) -> Json:
    """Return the `userIdentity` of a role (or of a user, for a user's ARN)."""
    name = caller.rpartition("/")[2]
    if ":user/" in caller:
        return {"type": "IAMUser", "principalId": "AIDAMODEL", "arn": caller, "accountId": account_id, "userName": name}
    return {
        "type": "AssumedRole",
        "principalId": f"AROAMODEL:{name}",
        "arn": f"arn:{partition}:sts::{account_id}:assumed-role/{name}/{name}",
        "accountId": account_id,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "AROAMODEL",
                "arn": caller,
                "accountId": account_id,
                "userName": name,
            },
            "attributes": {"mfaAuthenticated": "false"},
        },
    }


def record(call: Ec2Call, region: str, identity: Json, event_id: str, *, wraps_ipv6: bool) -> Json:
    """Return the record of a call, as it is the `detail` of the EventBridge event."""
    detail: Json = {
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": f"{call.time:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": "ec2.amazonaws.com",
        "eventName": call.operation,
        "awsRegion": region,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": "model",
        "requestParameters": request_parameters(call, wraps_ipv6=wraps_ipv6),
        "responseElements": None,
        "requestID": call.request_id,
        "eventID": event_id,
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": identity["accountId"],
        "eventCategory": "Management",
    }
    if isinstance(call.error, Ec2Error):
        detail |= {"errorCode": _error_code(call.error), "errorMessage": call.error.message}
    else:
        detail["responseElements"] = {"requestId": call.request_id, **response_elements(call)}
    return detail


def _error_code(error: Ec2Error) -> str:
    # Throttling is the client's fault for CloudTrail, although its HTTP status says otherwise.
    server = error.status >= _SERVER_ERROR and error.code != "RequestLimitExceeded"
    return f"{'Server' if server else 'Client'}.{error.code}"


def request_parameters(call: Ec2Call, *, wraps_ipv6: bool) -> Json:
    """Return the parameters of a call as CloudTrail has them."""
    if call.operation in _WRAPPED or (wraps_ipv6 and call.operation in _WRAPPED_IPV6):
        return {f"{call.operation}Request": _capitalised(call.params)}
    parameters: Json = {}
    for name, value in call.params.items():
        if call.operation == "RunInstances" and name in _OF_EACH_INSTANCE:
            parameters.setdefault("instancesSet", {"items": [{}]})["items"][0][_lower(name)] = value
        elif name in _ID_SETS:
            key, item_key = _ID_SETS[name]
            parameters[key] = {"items": [{item_key: identifier} for identifier in value]}
        elif name == "PrivateIpAddresses":
            parameters["privateIpAddressesSet"] = {"item": [_address_item(address) for address in value]}
        elif name in ("Ipv4Prefixes", "Ipv6Prefixes", "Ipv6Addresses"):
            parameters[f"{_lower(name)}Set"] = {"items": [_lowered(item) for item in value]}
        else:
            parameters[_SETS.get(name, _lower(name))] = _lowered(value)
    return parameters


def response_elements(call: Ec2Call) -> Json:
    """Return the answer in the wire names of the API; calls without one have `_return`."""
    output = _output_shape(call.operation)
    if not call.answer or output is None:
        return {"_return": True}
    elements = _wire(call.answer, output)
    return elements if isinstance(elements, dict) else {}


def _address_item(address: Any) -> Json:
    return {"privateIpAddress": address} if isinstance(address, str) else _lowered_dict(address)


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]


def _lowered_dict(value: Mapping[str, Any]) -> Json:
    return {_SETS.get(key, _lower(key)) if key != "Tags" else "tags": _lowered(item) for key, item in value.items()}


def _lowered(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _lowered_dict(value)
    if isinstance(value, list | tuple):
        items = [_lowered(item) for item in value]
        # Tags are a plain list within a tag specification, and a set of items everywhere else.
        return items if value and isinstance(value[0], Mapping) and "Key" in value[0] else {"items": items}
    return _plain(value)


def _capitalised(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_singular(key): _capitalised(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [{"tag": place, "content": _capitalised(item)} for place, item in enumerate(value, start=1)]
    return _plain(value)


def _singular(key: str) -> str:
    return {"SecurityGroupIds": "SecurityGroupId"}.get(key, key)


def _plain(value: Any) -> Any:
    return int(value.timestamp() * 1000) if isinstance(value, datetime) else value


def _wire(value: Any, shape: Shape) -> Any:
    if isinstance(shape, StructureShape):
        return {
            member.serialization.get("name", _lower(name)): _wire_member(value[name], member)
            for name, member in shape.members.items()
            if name in value
        }
    return _plain(value)


def _wire_member(value: Any, shape: Shape) -> Any:
    if not isinstance(shape, ListShape):
        return _wire(value, shape)
    if not value:
        return {}
    item_key = "item" if shape.serialization.get("name") == "privateIpAddressesSet" else "items"
    return {item_key: [_wire(item, shape.member) for item in value]}


@cache
def _output_shape(operation: str) -> Shape | None:
    shape: Shape | None = _service_model().operation_model(operation).output_shape
    return shape


@cache
def _service_model() -> Any:
    return isolated_botocore_session().get_service_model("ec2")
