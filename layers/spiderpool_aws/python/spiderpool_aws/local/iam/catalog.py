"""The actions and condition keys that are known; for each action its error code and its resources elsewhere.

Source: Service Authorization Reference, the pages of EC2, SQS, Systems Manager, Secrets Manager, Security Token
Service, Auto Scaling and CloudWatch Logs; IAM user guide, "AWS global condition context keys".
"""

from spiderpool_aws.local.iam.errors import UnknownToIamError

_OPERATIONS = {
    "ec2": (
        "DescribeInstances DescribeNetworkInterfaces DescribeInstanceTypes DescribeSubnets"
        " AssignPrivateIpAddresses AssignIpv6Addresses UnassignPrivateIpAddresses UnassignIpv6Addresses"
        " CreateNetworkInterface AttachNetworkInterface DetachNetworkInterface DeleteNetworkInterface"
        " ModifyNetworkInterfaceAttribute CreateTags DeleteTags"
    ),
    "sqs": "SendMessage ReceiveMessage DeleteMessage ChangeMessageVisibility GetQueueAttributes",
    "ssm": "GetParameter GetParameters GetParameterHistory PutParameter",
    "secretsmanager": "GetSecretValue",
    "sts": "GetWebIdentityToken",
    "autoscaling": "DescribeAutoScalingInstances CompleteLifecycleAction RecordLifecycleActionHeartbeat",
    "logs": "CreateLogStream PutLogEvents",
}
ACTIONS = {
    f"{service}:{operation}".lower(): f"{service}:{operation}"
    for service, operations in _OPERATIONS.items()
    for operation in operations.split()
}
"""Each action in lower case, by which it is compared, and as AWS writes it."""

_ONE_VALUE = {
    "aws:securetransport",
    "ec2:availabilityzone",
    "ec2:createaction",
    "ec2:instancetype",
    "ec2:subnet",
    "ec2:vpc",
    "lambda:sourcefunctionarn",
    "sts:durationseconds",
    "sts:signingalgorithm",
}
_OF_TAGS = ("aws:requesttag/", "aws:resourcetag/")
_MANY_VALUES = {"aws:tagkeys", "sts:identitytokenaudience"}


def known_action(name: str) -> str:
    """Return the action as AWS writes it. Raises UnknownToIamError."""
    try:
        return ACTIONS[name.lower()]
    except KeyError:
        raise UnknownToIamError(f"the action {name} is not modelled") from None


def has_many_values(key: str) -> bool:
    """Tell whether a request may have several values of a condition key. Raises UnknownToIamError."""
    lower = key.lower()
    if lower in _MANY_VALUES:
        return True
    if lower in _ONE_VALUE or lower.startswith(_OF_TAGS):
        return False
    raise UnknownToIamError(f"the condition key {key} is not modelled")
