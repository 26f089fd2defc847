from dataclasses import replace
from typing import Any

import pytest

from spiderpool_aws.manifests.authentication import (
    ManifestError,
    Trust,
    authentication_configuration,
    checked_role_arn,
    user_of,
)

ROLE = "arn:aws:iam::123456789012:role/spiderpool-aws/Worker"
OTHER = "arn:aws:iam::123456789012:role/Resync"
TRUST = Trust("https://abc.tokens.sts.global.api.aws", "prod", [ROLE, OTHER])


def authenticator(trust: Trust = TRUST) -> dict[str, Any]:
    [only] = authentication_configuration(trust)["jwt"]
    found: dict[str, Any] = only
    return found


@pytest.mark.parametrize(
    ("beta", "version"), [(False, "apiserver.config.k8s.io/v1"), (True, "apiserver.config.k8s.io/v1beta1")]
)
def test_the_version_is_that_of_the_cluster(beta: bool, version: str) -> None:
    document = authentication_configuration(TRUST, beta=beta)
    assert (document["apiVersion"], document["kind"]) == (version, "AuthenticationConfiguration")


def test_the_issuer_is_printed_as_tokens_name_it_without_a_slash_at_its_end() -> None:
    assert authenticator(replace(TRUST, issuer=f"{TRUST.issuer}/"))["issuer"]["url"] == TRUST.issuer


def test_exactly_the_named_roles_are_let_in() -> None:
    [rule] = authenticator()["claimValidationRules"]
    assert rule["expression"] == f"claims.sub in ['{ROLE}', '{OTHER}']"


def test_a_role_that_is_named_twice_is_in_it_once() -> None:
    [rule] = authenticator(replace(TRUST, role_arns=[ROLE, ROLE]))["claimValidationRules"]
    assert rule["expression"] == f"claims.sub in ['{ROLE}']"


def test_the_user_is_the_arn_after_aws_and_never_one_of_kubernetes_own() -> None:
    found = authenticator()
    assert found["claimMappings"] == {"username": {"expression": "'aws:' + claims.sub"}}
    assert user_of(ROLE) == f"aws:{ROLE}"


def test_a_private_issuers_authority_is_in_it_only_when_given() -> None:
    assert authenticator()["issuer"] == {"url": TRUST.issuer, "audiences": ["prod"]}
    assert authenticator(replace(TRUST, issuer_authority="PEM"))["issuer"]["certificateAuthority"] == "PEM"


@pytest.mark.parametrize(
    "arn",
    [
        ROLE,
        OTHER,
        "arn:aws-cn:iam::123456789012:role/Worker",
        "arn:aws-us-gov:iam::123456789012:role/a/b/W_+=,.@-",
    ],
)
def test_the_arns_of_roles_in_every_partition_are_taken(arn: str) -> None:
    assert checked_role_arn(arn) == arn


@pytest.mark.parametrize(
    ("arn", "words"),
    [
        pytest.param("arn:aws:sts::123456789012:assumed-role/W/s", "give the role itself", id="a session"),
        pytest.param("arn:aws:iam::123456789012:user/W", "not the ARN of a role", id="a user"),
        pytest.param("arn:aws:iam::123456789012:role/*", "not the ARN of a role", id="a pattern"),
        pytest.param("arn:aws:iam::1234:role/W", "not the ARN of a role", id="a short account"),
        pytest.param(f"{ROLE}'] || true || claims.sub in ['", "not the ARN of a role", id="an escape into CEL"),
        pytest.param(f"{ROLE},{OTHER}", "give each an option of its own", id="two roles in one"),
        pytest.param(f"{ROLE}\n", "not the ARN of a role", id="a line break"),
        pytest.param("Worker", "not the ARN of a role", id="a name"),
        pytest.param("", "not the ARN of a role", id="nothing"),
    ],
)
def test_what_is_no_role_is_refused(arn: str, words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        Trust(TRUST.issuer, "prod", [ROLE, arn])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"issuer": "http://abc"}, "not the URL of an issuer", id="an issuer without TLS"),
        pytest.param({"issuer": "abc"}, "not the URL of an issuer", id="an issuer that is no URL"),
        pytest.param({"issuer": "https://abc?x=1"}, "not the URL of an issuer", id="an issuer with a query"),
        pytest.param({"audience": ""}, "is no audience", id="no audience"),
        pytest.param({"audience": " prod"}, "is no audience", id="an audience with a space before it"),
        pytest.param({"audience": "p" * 1001}, "is no audience", id="an audience that STS does not take"),
        pytest.param({"role_arns": []}, "no role is named", id="no role"),
    ],
)
def test_what_cannot_be_trusted_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        replace(TRUST, **changes)
