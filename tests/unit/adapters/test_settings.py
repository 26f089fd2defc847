import boto3
import pytest

from spiderpool_aws.bootstrap import Application
from spiderpool_aws.deployment import EC2_BUCKETS, MAX_CONCURRENCY, BucketRate
from spiderpool_aws.local.clock import ManualClock
from spiderpool_aws.settings import (
    ControlSettings,
    FunctionSettings,
    KubeconfigSettings,
    ReconcileSettings,
    ResyncSettings,
    RouteSettings,
    SettingsError,
    load,
)
from tests.unit.adapters.doubles import FlushedReporter

ENVIRONMENT = {
    "QUEUE_URL": "https://sqs/requests.fifo",
    "LOST_EVENTS_URL": "https://sqs/lost",
    "DEAD_LETTER_URL": "https://sqs/dead.fifo",
    "POLICY_PARAMETER": "/policy",
    "FUSE_PARAMETER": "/fuse",
    "KUBECONFIG_SECRET": "kubeconfig",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(f"SPIDERPOOL_AWS_{name}", value)
    return monkeypatch


@pytest.mark.usefixtures("environment")
def test_each_function_finds_what_it_needs() -> None:
    assert load(RouteSettings).lost_events_url == "https://sqs/lost"
    assert load(ReconcileSettings).dead_letter_url == "https://sqs/dead.fifo"
    assert load(ControlSettings).fuse_parameter == "/fuse"
    assert load(ResyncSettings).policy_parameter == "/policy"
    assert load(KubeconfigSettings).kubeconfig_secret == "kubeconfig"


def test_the_policy_and_the_fuse_are_found_without_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POLICY_PARAMETER", "FUSE_PARAMETER"):
        monkeypatch.setenv(f"SPIDERPOOL_AWS_{name}", ENVIRONMENT[name])
    app = Application(boto3.Session("a", "b", region_name="eu-west-1"), load, FlushedReporter(), ManualClock())
    assert app.control is not None


def test_everything_that_is_missing_or_empty_is_named_with_what_belongs_there(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("SPIDERPOOL_AWS_POLICY_PARAMETER")
    environment.setenv("SPIDERPOOL_AWS_QUEUE_URL", "")
    with pytest.raises(SettingsError) as caught:
        load(ReconcileSettings)
    assert "set SPIDERPOOL_AWS_POLICY_PARAMETER: name of the SSM parameter with the policy" in str(caught.value)
    assert "set SPIDERPOOL_AWS_QUEUE_URL: URL of the FIFO queue" in str(caught.value)
    assert "FUSE" not in str(caught.value)


@pytest.mark.parametrize(
    ("model", "name"),
    [(KubeconfigSettings, "KUBECONFIG_SECRET"), (ControlSettings, "FUSE_PARAMETER"), (RouteSettings, "QUEUE_URL")],
)
@pytest.mark.parametrize("text", ["", " ", "a b", "a\n"])
def test_what_is_blank_or_has_a_blank_names_nothing(
    environment: pytest.MonkeyPatch, model: type[FunctionSettings], name: str, text: str
) -> None:
    environment.setenv(f"SPIDERPOOL_AWS_{name}", text)
    with pytest.raises(SettingsError, match=f"set SPIDERPOOL_AWS_{name}: .*it is empty, or has white space"):
        load(model)


def test_the_request_rates_are_the_documented_ones_shared_by_all_workers_when_nothing_is_set(
    environment: pytest.MonkeyPatch,
) -> None:
    settings = load(ReconcileSettings)
    assert (settings.workers, settings.ec2_buckets) == (MAX_CONCURRENCY, EC2_BUCKETS)


def test_an_account_with_other_request_rates_says_which(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SPIDERPOOL_AWS_WORKERS", "4")
    environment.setenv("SPIDERPOOL_AWS_EC2_BUCKETS", '{"AttachNetworkInterface": [200, 20]}')
    settings = load(ReconcileSettings)
    assert settings.workers == 4
    assert settings.ec2_buckets["AttachNetworkInterface"] == BucketRate(200, 20)
    assert settings.ec2_buckets["CreateNetworkInterface"] == EC2_BUCKETS["CreateNetworkInterface"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{", "it is not JSON"),
        ("[1]", "it is no JSON object"),
        ('{"RunInstances": [1, 1]}', "unknown action RunInstances: name some of AssignIpv6Addresses, "),
        ('{"CreateTags": [0, 1]}', "the rate of CreateTags is not two numbers above 0"),
        ('{"CreateTags": 7}', "the rate of CreateTags is not two numbers above 0"),
        ('{"CreateTags": [1, Infinity]}', "the rate of CreateTags is not two numbers above 0"),
        ('{"A": [1, 1], "CreateTags": [1]}', "unknown action A: .*; the rate of CreateTags is not two numbers above 0"),
    ],
)
def test_a_request_rate_that_is_none_is_named(environment: pytest.MonkeyPatch, given: str, said: str) -> None:
    environment.setenv("SPIDERPOOL_AWS_EC2_BUCKETS", given)
    with pytest.raises(SettingsError, match=f"set SPIDERPOOL_AWS_EC2_BUCKETS: .*{said}"):
        load(ReconcileSettings)
