"""The optional CloudTrail trail: without one with logging on, EventBridge hears of no ENI call."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_s3 as s3
from constructs import Construct

from spiderpool_aws.deployment import Names
from stacks.acknowledgements import TRAIL_BUCKET, acknowledge

KEPT = Duration.days(30)


class Trail(Construct):
    """A trail of this region's management events that write; its bucket is private and forgets after 30 days.

    The bucket stays when the stack goes: it is a record of what was done in the account.
    """

    def __init__(self, scope: Construct, name: str, *, names: Names) -> None:
        super().__init__(scope, name)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(expiration=KEPT)],
            removal_policy=RemovalPolicy.RETAIN,
        )
        acknowledge(self.bucket, TRAIL_BUCKET)
        cloudtrail.Trail(
            self,
            "Trail",
            trail_name=names.of("trail"),
            bucket=self.bucket,
            is_multi_region_trail=False,
            include_global_service_events=False,
            management_events=cloudtrail.ReadWriteType.WRITE_ONLY,
            enable_file_validation=True,
        )
