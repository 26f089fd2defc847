"""Tokens that AWS signs, on a real kube-apiserver with the AuthenticationConfiguration and the RBAC that we print."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import boto3
import pytest
import yaml

from spiderpool_aws.adapters.clock import SystemClock
from spiderpool_aws.adapters.cluster import ClusterAdapter
from spiderpool_aws.adapters.credentials import RENEWAL_INTERVAL, TokenCredentials
from spiderpool_aws.adapters.web_identity import WebIdentityToken
from spiderpool_aws.domain.errors import RetryLater
from spiderpool_aws.local.clock import ManualClock
from spiderpool_aws.manifests.authentication import Trust, authentication_configuration, user_of
from tests.e2e.apiserver import ApiServer
from tests.e2e.install import rights_of
from tests.e2e.issuer import REGION, ROLE_ARN, Issuer, StsDouble
from tests.unit.adapters.doubles import RecordingReporter

AUDIENCE = "https://prod.k8s.example.org"
FUNCTION_ROLE_ARNS = (ROLE_ARN, "arn:aws:iam::123456789012:role/Resync")
ROLE_ARN_WITHOUT_RIGHTS = "arn:aws:iam::123456789012:role/Forgotten"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as running:
        yield running


@pytest.fixture(scope="module")
def api_server_of_roles(start_api_server: Callable[[str], ApiServer], issuer: Issuer) -> ApiServer:
    trust = Trust(issuer.url, AUDIENCE, [*FUNCTION_ROLE_ARNS, ROLE_ARN_WITHOUT_RIGHTS], issuer.ca_pem)
    server = start_api_server(yaml.safe_dump(authentication_configuration(trust)))
    for path, manifest in rights_of([user_of(arn) for arn in FUNCTION_ROLE_ARNS]):
        server.admin.apply(path, manifest)
    return server


class Login:
    """The product's login, on STS tokens that a test may spoil."""

    def __init__(self, server: ApiServer, issuer: Issuer) -> None:
        self.server = server
        wall = SystemClock()
        self.sts = StsDouble(issuer, wall)
        self.clock = ManualClock(wall.now())
        """The product's, which a test may put forward; the tokens' times are real, for the API server's is."""

    def cluster(self, audience: str = AUDIENCE) -> ClusterAdapter:
        client = boto3.client("sts", region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b")
        self.sts.attach(client)
        source = WebIdentityToken(client, audience)
        credentials = TokenCredentials(source, self.server.url, self.server.ca_pem, self.clock)
        return ClusterAdapter(credentials, RecordingReporter())


@pytest.fixture
def login(api_server_of_roles: ApiServer, issuer: Issuer) -> Login:
    return Login(api_server_of_roles, issuer)


@pytest.mark.parametrize("arn", FUNCTION_ROLE_ARNS)
def test_the_role_of_each_function_logs_in_with_what_rbac_gives_it(login: Login, arn: str) -> None:
    login.sts.sub = arn
    assert login.cluster().list_nodes() == []
    assert len(login.sts.requests) == 1


def test_the_user_is_the_roles_arn_after_aws(login: Login) -> None:
    login.sts.sub = ROLE_ARN_WITHOUT_RIGHTS
    with pytest.raises(RetryLater) as caught:
        login.cluster().list_nodes()
    assert f'User "aws:{ROLE_ARN_WITHOUT_RIGHTS}" cannot list resource "nodes"' in caught.value.reason
    assert "needs the verb list on nodes" in caught.value.reason


def test_a_token_for_another_audience_is_refused_and_the_audience_named(login: Login) -> None:
    with pytest.raises(RetryLater, match=r"\(401\).*audience another-cluster, sub"):
        login.cluster("another-cluster").list_nodes()


@pytest.mark.parametrize(
    "sub",
    [
        pytest.param("arn:aws:iam::999999999999:role/spiderpool-aws/Worker", id="the role of another account"),
        pytest.param("arn:aws:iam::123456789012:role/Worker", id="a role of another path"),
        pytest.param(f"{ROLE_ARN}2", id="a role whose name only begins like ours"),
        pytest.param("arn:aws:iam::123456789012:user/Worker", id="a user"),
    ],
)
def test_somebody_else_of_the_issuer_is_refused_and_named(login: Login, sub: str) -> None:
    login.sts.sub = sub
    with pytest.raises(RetryLater) as caught:
        login.cluster().list_nodes()
    assert "(401)" in caught.value.reason
    assert f"sub {sub}," in caught.value.reason


def test_an_expired_token_is_refused_and_called_expired(login: Login) -> None:
    # Later than any clock skew that an API server may allow for.
    login.sts.late = timedelta(hours=1)
    with pytest.raises(RetryLater, match=r"\(401\).*it expired at"):
        login.cluster().list_nodes()


def test_a_token_of_another_issuer_is_refused_and_the_issuer_named(login: Login) -> None:
    with Issuer() as other:
        login.sts.issuer = other
        with pytest.raises(RetryLater, match=rf"\(401\).*issuer {other.url},"):
            login.cluster().list_nodes()


def test_a_refused_token_is_renewed_once_and_again_when_a_minute_has_passed(login: Login) -> None:
    login.sts.late = timedelta(hours=1)
    cluster = login.cluster()
    with pytest.raises(RetryLater):
        cluster.list_nodes()
    assert len(login.sts.requests) == 2
    login.sts.late = timedelta()
    login.clock.advance(RENEWAL_INTERVAL.total_seconds())
    assert cluster.list_nodes() == []
    assert len(login.sts.requests) == 3
