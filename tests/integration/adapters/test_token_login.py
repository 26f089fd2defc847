"""The logins with tokens as bootstrap wires them, over TLS, to the cluster double's server."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from spiderpool_aws import bootstrap
from spiderpool_aws.bootstrap import Application
from spiderpool_aws.domain.errors import RetryLater
from spiderpool_aws.local.clock import ManualClock
from spiderpool_aws.local.cluster import ClusterDouble, ClusterServer, serve_cluster
from spiderpool_aws.settings import SettingsError, load
from tests.e2e.issuer import REGION, Issuer, StsDouble
from tests.integration.adapters.kubeconfigs import kubeconfig
from tests.unit.adapters.doubles import FlushedReporter

AUDIENCE = "prod"


@dataclass
class FakedSession:
    """A session whose STS clients are answered by the double, and those of Secrets Manager from `secrets`."""

    sts: StsDouble
    secrets: dict[str, str] = field(default_factory=dict)

    def client(self, service: str, **options: Any) -> Any:
        session: Any = boto3.Session("a", "b", region_name=REGION)
        made = session.client(service, **options)
        if service == "sts":
            self.sts.attach(made)
        made.meta.events.register("before-call.secretsmanager.GetSecretValue", self._secret)
        return made

    def _secret(self, params: dict[str, Any], **_: Any) -> tuple[SimpleNamespace, dict[str, Any]]:
        secret_id = json.loads(params["body"])["SecretId"]
        return SimpleNamespace(status_code=200), {"SecretString": self.secrets[secret_id]}


@dataclass
class Scene:
    server: ClusterServer
    double: ClusterDouble
    session: FakedSession
    clock: ManualClock

    @property
    def issued(self) -> int:
        return len(self.session.sts.requests)

    def application(self) -> Application:
        session: Any = self.session
        return Application(session, load, FlushedReporter(), self.clock)

    def let_in_what_is_issued(self) -> None:
        self.session.sts.on_issue = lambda token: self.double.tokens.update({token: "spiderpool-aws"})


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    clock = ManualClock()
    double = ClusterDouble(clock)
    with serve_cluster(double, port=0) as server, Issuer() as issuer:
        monkeypatch.setenv("SPIDERPOOL_AWS_CLUSTER_ENDPOINT", server.url)
        monkeypatch.setenv("SPIDERPOOL_AWS_CLUSTER_CA", server.ca_pem)
        monkeypatch.setenv("SPIDERPOOL_AWS_CLUSTER_AUDIENCE", AUDIENCE)
        monkeypatch.setenv("SPIDERPOOL_AWS_CLUSTER_ID", "prod")
        yield Scene(server, double, FakedSession(StsDouble(issuer, clock)), clock)


@pytest.fixture
def web_identity(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setenv("SPIDERPOOL_AWS_CLUSTER_LOGIN", "web-identity")
    return scene


def test_one_token_of_sts_serves_many_requests_until_its_time_comes(web_identity: Scene) -> None:
    web_identity.let_in_what_is_issued()
    cluster = web_identity.application().cluster
    for _ in range(3):
        assert cluster.list_pools() == []
    assert web_identity.issued == 1
    web_identity.clock.advance(240)
    assert cluster.list_pools() == []
    assert web_identity.issued == 2


def test_a_token_that_is_no_longer_let_in_is_replaced_at_once(web_identity: Scene) -> None:
    web_identity.let_in_what_is_issued()
    cluster = web_identity.application().cluster
    cluster.list_pools()
    web_identity.double.tokens.clear()
    assert cluster.list_pools() == []
    assert web_identity.issued == 2


def test_a_cluster_that_trusts_something_else_gets_two_tokens_and_says_what_they_hold(web_identity: Scene) -> None:
    with pytest.raises(RetryLater, match=f"audience {AUDIENCE}, sub arn:aws:iam::123456789012:role/"):
        web_identity.application().cluster.list_pools()
    assert web_identity.issued == 2


def test_a_cluster_that_goes_on_refusing_costs_one_token_a_minute(web_identity: Scene) -> None:
    cluster = web_identity.application().cluster
    for _ in range(3):
        with pytest.raises(RetryLater, match="the next renewal is after 00:01:00 UTC"):
            cluster.list_pools()
    assert web_identity.issued == 2
    web_identity.clock.advance(60)
    web_identity.let_in_what_is_issued()
    assert cluster.list_pools() == []
    assert web_identity.issued == 3


def test_an_account_without_federation_makes_every_message_wait(web_identity: Scene) -> None:
    web_identity.session.sts.refusal = "OutboundWebIdentityFederationDisabledException"
    with pytest.raises(RetryLater, match="iam:EnableOutboundWebIdentityFederation"):
        web_identity.application().cluster.list_pools()


def test_a_server_of_another_authority_gets_no_token(web_identity: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPIDERPOOL_AWS_CLUSTER_CA", web_identity.session.sts.issuer.ca_pem)
    with pytest.raises(RetryLater, match="check that SPIDERPOOL_AWS_CLUSTER_CA is the cluster's CA"):
        web_identity.application().cluster.list_pools()
    assert web_identity.double.requests == []


def test_the_presigned_login_is_wired_to_its_cluster_id(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPIDERPOOL_AWS_CLUSTER_LOGIN", "iam-authenticator")
    with pytest.raises(RetryLater, match="it was signed for the cluster ID prod"):
        scene.application().cluster.list_pools()
    # Nothing was asked of STS: the cluster does that.
    assert scene.issued == 0
    assert [status for _verb, _resource, status in scene.double.requests] == [401, 401]


def test_without_a_choice_the_secret_is_read(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPIDERPOOL_AWS_KUBECONFIG_SECRET", "kubeconfig")
    scene.session.secrets["kubeconfig"] = kubeconfig(scene.server.url, scene.server.ca_pem, scene.server.token)
    assert scene.application().cluster.list_pools() == []
    assert scene.issued == 0


def test_what_the_login_lacks_is_named_when_the_function_starts(
    web_identity: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPIDERPOOL_AWS_CLUSTER_AUDIENCE")
    with pytest.raises(SettingsError, match="set SPIDERPOOL_AWS_CLUSTER_AUDIENCE: audience of the tokens"):
        _ = web_identity.application().cluster


def test_the_functions_ask_the_regional_sts_whatever_the_environment_prefers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", "legacy")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "SpiderpoolAws")
    session = bootstrap._from_environment("resync").session
    client = session.client("sts", aws_access_key_id="a", aws_secret_access_key="b")
    url = client.generate_presigned_url("get_caller_identity")
    assert url.startswith("https://sts.us-east-1.amazonaws.com/")
