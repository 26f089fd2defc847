"""Counts what is asked of EC2, by its action, and what of it was throttled; each attempt counts, also one of a retry.

Source: botocore's event `response-received.<service>.<operation>`, which its endpoint emits after every attempt, with
the parsed answer, or with the error of one that got none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spiderpool_aws.adapters.aws_errors import THROTTLED
from spiderpool_aws.metrics import Metric

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client

    from spiderpool_aws.ports import Reporter


def count_calls(client: EC2Client, reporter: Reporter) -> None:
    """Have every attempt of a client counted from now on."""

    def received(event_name: str, parsed_response: Any = None, **_: Any) -> None:
        action = event_name.rpartition(".")[2]
        reporter.count(Metric.EC2_CALLS, of=action)
        code = ((parsed_response or {}).get("Error") or {}).get("Code", "")
        if code in THROTTLED:
            reporter.count(Metric.EC2_THROTTLES, of=action)

    client.meta.events.register("response-received.ec2", received)
