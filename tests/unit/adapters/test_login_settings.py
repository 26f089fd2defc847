import base64

import pytest

from spiderpool_aws.settings import (
    IamAuthenticatorSettings,
    KubeconfigSettings,
    LoginSettings,
    SettingsError,
    WebIdentitySettings,
    load,
)
from tests.unit.adapters.certificates import CERTIFICATE

PEM = CERTIFICATE.decode()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("SPIDERPOOL_AWS_CLUSTER_ENDPOINT", "https://10.0.0.10:6443")
    monkeypatch.setenv("SPIDERPOOL_AWS_CLUSTER_CA", PEM)
    monkeypatch.setenv("SPIDERPOOL_AWS_CLUSTER_AUDIENCE", "prod")
    return monkeypatch


def test_without_a_choice_it_is_the_kubeconfig(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPIDERPOOL_AWS_CLUSTER_LOGIN", raising=False)
    assert load(LoginSettings).cluster_login == "kubeconfig"


def test_a_login_that_does_not_exist_is_answered_with_those_that_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPIDERPOOL_AWS_CLUSTER_LOGIN", "password")
    with pytest.raises(SettingsError, match=r"CLUSTER_LOGIN: .*web-identity, iam-authenticator or kubeconfig"):
        load(LoginSettings)


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (WebIdentitySettings, {"CLUSTER_ENDPOINT", "CLUSTER_CA", "CLUSTER_AUDIENCE"}),
        (IamAuthenticatorSettings, {"CLUSTER_ENDPOINT", "CLUSTER_CA", "CLUSTER_ID"}),
        (KubeconfigSettings, {"KUBECONFIG_SECRET"}),
    ],
)
def test_each_login_asks_for_its_own_variables_and_no_others(
    model: type[WebIdentitySettings | IamAuthenticatorSettings | KubeconfigSettings],
    names: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("CLUSTER_ENDPOINT", "CLUSTER_CA", "CLUSTER_AUDIENCE", "CLUSTER_ID", "KUBECONFIG_SECRET"):
        monkeypatch.delenv(f"SPIDERPOOL_AWS_{name}", raising=False)
    with pytest.raises(SettingsError) as caught:
        load(model)
    lines = str(caught.value).splitlines()[1:]
    assert {line.removeprefix("set SPIDERPOOL_AWS_").partition(":")[0] for line in lines} == names


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(PEM, id="PEM"),
        pytest.param(base64.b64encode(CERTIFICATE).decode(), id="base64 of PEM, as EKS shows it"),
        pytest.param(base64.encodebytes(CERTIFICATE).decode(), id="base64 with line breaks"),
    ],
)
def test_the_authority_is_pem_whichever_way_it_is_given(environment: pytest.MonkeyPatch, text: str) -> None:
    environment.setenv("SPIDERPOOL_AWS_CLUSTER_CA", text)
    assert load(WebIdentitySettings).cluster_ca == PEM


def test_the_endpoints_slash_is_taken_off(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SPIDERPOOL_AWS_CLUSTER_ENDPOINT", "https://10.0.0.10:6443/")
    assert load(WebIdentitySettings).cluster_endpoint == "https://10.0.0.10:6443"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        pytest.param("CLUSTER_CA", "", "neither a PEM certificate nor the base64", id="no authority"),
        pytest.param("CLUSTER_CA", "/etc/ca.crt", "neither a PEM certificate nor the base64", id="a file's name"),
        pytest.param("CLUSTER_CA", base64.b64encode(b"x").decode(), "neither a PEM", id="base64 of something else"),
        pytest.param("CLUSTER_CA", PEM[:200], "no certificate", id="half a certificate"),
        pytest.param("CLUSTER_ENDPOINT", "http://10.0.0.10", "without TLS anybody", id="plain http"),
        pytest.param("CLUSTER_ENDPOINT", "10.0.0.10:6443", "https://<host>", id="no scheme"),
        pytest.param("CLUSTER_ENDPOINT", "https://u:p@host", "more than a scheme", id="a password in the URL"),
        pytest.param("CLUSTER_AUDIENCE", "", "audience of the tokens", id="no audience"),
    ],
)
def test_what_cannot_be_used_is_named_with_what_belongs_there(
    environment: pytest.MonkeyPatch, name: str, text: str, words: str
) -> None:
    environment.setenv(f"SPIDERPOOL_AWS_{name}", text)
    with pytest.raises(SettingsError, match=f"set SPIDERPOOL_AWS_{name}: ") as caught:
        load(WebIdentitySettings)
    assert words in str(caught.value)
