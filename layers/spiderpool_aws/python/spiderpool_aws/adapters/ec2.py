"""EC2 over boto3: the `Ec2Port`, put together from its reads and its writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.config import Config

from spiderpool_aws.adapters.ec2_counting import count_calls
from spiderpool_aws.adapters.ec2_reads import Ec2Reader
from spiderpool_aws.adapters.ec2_writes import Ec2Writer

if TYPE_CHECKING:
    from boto3 import Session
    from types_boto3_ec2 import EC2Client

    from spiderpool_aws.adapters.pacing import Pace
    from spiderpool_aws.ports import Reporter


class Ec2Adapter(Ec2Reader, Ec2Writer):
    """Implements `Ec2Port`. `reads` may retry; `writes` must send each request once (see `from_session`)."""

    def __init__(self, reads: EC2Client, writes: EC2Client, pace: Pace | None = None) -> None:
        Ec2Reader.__init__(self, reads)
        Ec2Writer.__init__(self, writes, pace)

    @classmethod
    def from_session(cls, session: Session, pace: Pace | None = None, reporter: Reporter | None = None) -> Ec2Adapter:
        """Return an adapter with two clients of a session; the second costs milliseconds, the model is loaded once.

        With a reporter their calls are counted.
        """
        # Three attempts that all time out, and the rest of a pass, fit into the functions' 60 s.
        reads = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
        writes = Config(connect_timeout=3, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 1})
        reading, writing = session.client("ec2", config=reads), session.client("ec2", config=writes)
        if reporter is not None:
            count_calls(reading, reporter)
            count_calls(writing, reporter)
        return cls(reading, writing, pace)
