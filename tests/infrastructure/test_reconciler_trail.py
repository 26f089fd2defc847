"""The optional trail tells what writes, into a private bucket that forgets."""

from tests.infrastructure.contexts import alone, modes
from tests.infrastructure.templates import of_type, reconciler


def test_there_is_no_trail_unless_the_context_asks_for_one() -> None:
    template = reconciler(**alone())
    assert of_type(template, "AWS::CloudTrail::Trail") == {}
    assert of_type(template, "AWS::S3::Bucket") == {}


def test_the_trail_logs_what_writes_in_this_region() -> None:
    [trail] = of_type(reconciler(**modes()["full"]), "AWS::CloudTrail::Trail").values()
    assert (trail["TrailName"], trail["IsLogging"]) == ("spiderpool-aws-demo-trail", True)
    assert (trail["IsMultiRegionTrail"], trail["IncludeGlobalServiceEvents"]) == (False, False)
    [selector] = trail["EventSelectors"]
    assert (selector["ReadWriteType"], selector.get("IncludeManagementEvents", True)) == ("WriteOnly", True)


def test_its_bucket_is_encrypted_private_and_forgets() -> None:
    [bucket] = of_type(reconciler(**modes()["full"]), "AWS::S3::Bucket").values()
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    [encryption] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    [rule] = bucket["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", 30)
