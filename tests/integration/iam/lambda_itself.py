"""What Lambda calls with a function's role, outside of its code, and so without `lambda:SourceFunctionArn`.

Sources: Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC" (required permissions),
"Configuring a queue to use with Lambda" (execution role), "Capturing records of Lambda asynchronous invocations"
(destination permissions), "Using source function ARN to control function access behavior" (which calls carry it: of
these, those of the log).
"""

from spiderpool_aws.deployment import FUNCTIONS, Names
from spiderpool_aws.local.iam import Caller, Guard, Request, Target
from spiderpool_aws.local.stack import LocalStack

_OWNER = "eu-west-1:123456789012"


def act_as_lambda(guard: Guard, stack: LocalStack) -> None:
    """Ask for all that Lambda does with the roles when the functions are deployed and run."""
    for function in FUNCTIONS:
        outside = Caller(function.name, stack.roles[function.name])
        inside = Caller(function.name, stack.roles[function.name], stack.functions[function.name].arn)
        for request in _log(function.name):
            guard.judge(inside, request)
        if function.in_vpc:
            for request in _nics():
                guard.judge(outside, request)
        if function.name == "reconcile_nodes":
            for operation in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
                guard.judge(outside, _queue(operation, "requests.fifo"))
        else:
            guard.judge(outside, _queue("SendMessage", "lost-events"))


def _log(function: str) -> list[Request]:
    group = f"arn:aws:logs:{_OWNER}:log-group:/aws/lambda/{Names('prod').of(function)}"
    stream = Target(f"{group}:log-stream:2026/01/01/[$LATEST]0123456789abcdef")
    return [Request("logs:CreateLogStream", (stream,)), Request("logs:PutLogEvents", (stream,))]


def _nics() -> list[Request]:
    nic, subnet, group = (Target(f"arn:aws:ec2:{_OWNER}:{kind}/*") for kind in _KINDS)
    on_nics = ("DeleteNetworkInterface", "AssignPrivateIpAddresses", "UnassignPrivateIpAddresses")
    return [
        Request("ec2:CreateNetworkInterface", (nic, subnet, group)),
        *(Request(f"ec2:{operation}", (nic,)) for operation in on_nics),
        *(Request(f"ec2:{operation}") for operation in ("DescribeNetworkInterfaces", "DescribeSubnets")),
    ]


_KINDS = ("network-interface", "subnet", "security-group")


def _queue(operation: str, name: str) -> Request:
    return Request(f"sqs:{operation}", (Target(f"arn:aws:sqs:{_OWNER}:{name}"),))
