"""The policy is seeded once; the kubeconfig's secret is empty; nothing of it is written again or taken away."""

import json
from typing import Any

import pytest

from tests.infrastructure.contexts import POLICY, alone, login
from tests.infrastructure.templates import Template, of_type, plain, reconciler

PARAMETER = "/spiderpool-aws/demo/policy"


def call(template: Template) -> dict[str, Any]:
    """Return what the custom resource calls when it is created."""
    [seeded] = of_type(template, "Custom::SeededPolicy").values()
    create = seeded["Create"]
    text = (
        create if isinstance(create, str) else "".join(p if isinstance(p, str) else "" for p in create["Fn::Join"][1])
    )
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def test_the_policys_file_becomes_a_parameter_of_the_advanced_tier() -> None:
    made = call(reconciler())
    assert (made["service"], made["action"]) == ("SSM", "putParameter")
    parameters = made["parameters"]
    assert (parameters["Name"], parameters["Value"]) == (PARAMETER, POLICY)
    assert (parameters["Type"], parameters["Tier"]) == ("String", "Advanced")


def test_a_parameter_that_is_there_stays_as_it_is_and_that_is_no_error() -> None:
    made = call(reconciler())
    assert made["parameters"]["Overwrite"] is False
    assert made["ignoreErrorCodesMatching"] == "^ParameterAlreadyExists$"


def test_a_later_deploy_and_a_destroy_call_nothing() -> None:
    [seeded] = of_type(reconciler(), "Custom::SeededPolicy").values()
    assert {"Update", "Delete"} & set(seeded) == set()


def test_a_changed_policy_file_is_still_the_same_resource() -> None:
    changed = call(reconciler(policy=POLICY.replace("mode: apply", "mode: observe")))
    assert changed["physicalResourceId"] == call(reconciler())["physicalResourceId"] == {"id": PARAMETER}


def test_who_seeds_may_put_this_one_parameter_and_write_its_log() -> None:
    template = reconciler()
    roles = of_type(template, "AWS::IAM::Role")
    [seeder] = [name for name, role in roles.items() if str(plain(role["RoleName"])).endswith("-seeder")]
    statements = [
        statement
        for policy in of_type(template, "AWS::IAM::Policy").values()
        if policy["Roles"] == [{"Ref": seeder}]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    assert "ManagedPolicyArns" not in roles[seeder]
    allowed = {
        action for s in statements for action in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])
    }
    assert allowed == {"logs:CreateLogStream", "logs:PutLogEvents", "ssm:PutParameter"}
    [put] = [statement for statement in statements if statement["Action"] == "ssm:PutParameter"]
    assert put["Resource"]["Fn::Join"][1][-1] == f":parameter{PARAMETER}"


def test_no_template_makes_the_fuses_parameter_for_the_function_writes_it() -> None:
    template = reconciler()
    assert of_type(template, "AWS::SSM::Parameter") == {}
    assert "fuse" not in json.dumps(call(template))


def test_the_kubeconfigs_secret_is_made_empty() -> None:
    [secret] = of_type(reconciler(), "AWS::SecretsManager::Secret").values()
    assert secret["Name"] == "spiderpool-aws/demo/kubeconfig"
    assert {"SecretString", "GenerateSecretString"} & set(secret) == set()


@pytest.mark.parametrize("way", ["web-identity", "iam-authenticator"])
def test_the_other_logins_have_no_secret(way: str) -> None:
    assert of_type(reconciler(**alone(**login(way))), "AWS::SecretsManager::Secret") == {}


def test_a_secret_that_is_given_is_used_and_none_is_made() -> None:
    arn = "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:kubeconfig-AbCdEf"
    template = reconciler(**alone(kubeconfigSecretArn=arn))
    assert of_type(template, "AWS::SecretsManager::Secret") == {}
    used = [
        function["Environment"]["Variables"].get("SPIDERPOOL_AWS_KUBECONFIG_SECRET")
        for function in of_type(template, "AWS::Lambda::Function").values()
        if "Environment" in function
    ]
    assert used.count(arn) == 2
