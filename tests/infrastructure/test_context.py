"""A context that cannot be deployed stops the synthesis with one clear line a problem; the docs tell each key."""

import re
from pathlib import Path

import pytest

from stacks.context.deployment import Context, ContextError, read
from stacks.context.model import FIELDS
from tests.infrastructure.contexts import POLICY, ROOT, deployment, problems

SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"


def test_an_empty_context_is_enough(policy_file: Path) -> None:
    found = deployment(policy_file)
    assert found.names.of("network") == "spiderpool-aws-demo-network"
    assert found.group.name == "workers"
    assert not found.context.alone


def test_what_comes_from_the_command_line_is_a_text_and_reads_as_what_it_means(policy_file: Path) -> None:
    line = {"availabilityZones": "3", "vpcEndpoints": "true", "flowLogs": "false", "logRetentionDays": "90"}
    found = deployment(policy_file, **line, instanceTypes=" m7g.large, c7g.xlarge ").context
    assert (found.availability_zones, found.log_retention_days) == (3, 90)
    assert (found.vpc_endpoints, found.flow_logs) == (True, False)
    assert found.instance_types == ("m7g.large", "c7g.xlarge")


@pytest.mark.parametrize("written", ['["m7g.large", "c7g.xlarge"]', ["m7g.large", "c7g.xlarge"]])
def test_a_list_is_json_too(policy_file: Path, written: object) -> None:
    assert deployment(policy_file, instanceTypes=written).context.instance_types == ("m7g.large", "c7g.xlarge")


@pytest.mark.parametrize(
    "key",
    [
        "aws:cdk:enable-path-metadata",
        "aws:cdk:bundling-stacks",
        "@aws-cdk/core:failSynthOnValidationErrors",
        "aws-cdk:enableDiffNoFail",
        "@aws-cdk-containers/ecs-service-extensions:enableDefaultLogDriver",
        "availability-zones:account=1:region=eu-central-1",
        "vpc-provider:account=1:filter.vpc-id=vpc-1:region=eu-central-1",
        "cli-telemetry",
        "acknowledged-issue-numbers",
        "cdk-migrate",
    ],
)
def test_the_keys_that_cdk_itself_puts_there_are_left_alone(policy_file: Path, key: str) -> None:
    assert deployment(policy_file, **{key: True}).context == deployment(policy_file).context


@pytest.mark.parametrize(
    ("key", "known"),
    [("vpcCIDR", "vpcCidr"), ("vpc-cidr", "vpcCidr"), ("nodePerZone", "nodesPerZone"), ("nat_gateway", "natGateways")],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(policy_file: Path, key: str, known: str) -> None:
    assert problems(policy_file, **{key: "x"}) == [f"context {key}: unknown key, did you mean {known!r}?"]


def test_an_unknown_key_that_is_near_to_none_is_refused_with_where_to_look(policy_file: Path) -> None:
    assert problems(policy_file, weather="fine") == [
        "context weather: unknown key: remove it, docs/deployment.md lists all keys"
    ]


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("availabilityZones", "four", 'give 1 to 3, not "four"'),
        ("availabilityZones", 4, "give 1 to 3, not 4"),
        ("availabilityZones", True, "give 1 to 3, not true (a truth value is no number)"),
        ("ipv6", "maybe", 'give `true` or `false`, not "maybe"'),
        ("natGateways", "two", 'give `one` or `per-az`, not "two"'),
        ("sshKeyName", 5, "give the name of an EC2 key pair, not 5"),
        ("vpcCidr", None, "give an IPv4 CIDR from /16 to /23, not null (a CIDR is a text)"),
        ("vpcCidr", "10.0.0.0/8", '"10.0.0.0/8" (a VPC is at most a /16)'),
        ("vpcCidr", "10.0.0.0/24", '"10.0.0.0/24" (it is too small for the subnets of three zones)'),
        ("vpcCidr", "10.0.0.9/16", '"10.0.0.9/16" (the network is 10.0.0.0/16)'),
        ("vpcCidr", "10.0.0.0", '"10.0.0.0" (the network is 10.0.0.0/32)'),
        ("vpcCidr", "10.0.0/16", "'10.0.0/16' does not appear to be an IPv4 or IPv6 network"),
        ("vpcCidr", "fd00::/56", '"fd00::/56"'),
        *(
            ("vpcCidr", f"{address}/16", "no host may have an address of")
            for address in ("169.254.0.0", "127.0.0.0", "0.1.0.0", "224.0.0.0", "255.255.0.0")
        ),
        *(
            ("joinParameter", name, "it is one word, or a path that begins with a slash")
            for name in ("x/y", "/a//b", "/a/", "/", "a b")
        ),
        *(
            ("joinParameter", name, "names that begin with aws or ssm are AWS's own")
            for name in ("aws-join", "/aws/join", "SSM-join", "/Ssm/join")
        ),
        ("apiServerCidr", "the-office", "'the-office' does not appear to be an IPv4 or IPv6 network"),
        ("instanceTypes", "m7g", 'give EC2 instance types (`m7g.large`), at least one, not "m7g"'),
        ("instanceTypes", "", "at least one, not []"),
        ("instanceTypes", "m7g.large,m7g.large", "'m7g.large' is there twice"),
        ("instanceTypes", '["m7g.large"', "it begins as a JSON list and is none"),
        ("zoneNames", "euc1-az1", 'give 1 to 3 names of availability zones (`eu-central-1a`), not "euc1-az1"'),
        ("logRetentionDays", "31", "CloudWatch Logs does not take it"),
        ("alarmTopicArn", "alarms", "give an SNS topic's ARN"),
        ("ec2Buckets", '{"CreateTags"', "(it is not JSON: Expecting ':' delimiter"),
        ("ec2Buckets", [200, 20], "not [200, 20] (it is no JSON object)"),
        ("clusterEndpoint", "http://10.0.0.5", "it is not https://"),
        ("clusterCa", "/etc/ca.crt", "it is neither a PEM certificate nor the base64 of one"),
        ("vpcId", "my-vpc", "give `vpc-…`"),
        ("kubeconfigSecretArn", f"{SECRET}mine", "a secret's whole ARN, with the six characters at its end"),
        ("kubeconfigSecretArn", f"{SECRET}-AbCdEf", "a secret's whole ARN"),
        ("kubeconfigSecretArn", f"{SECRET}mine-AbCdEf*", "a secret's whole ARN"),
    ],
)
def test_a_wrong_value_is_one_line_that_says_what_would_be_right(
    policy_file: Path, key: str, value: object, says: str
) -> None:
    (line,) = problems(policy_file, **{key: value})
    assert line.startswith(f"context {key}: give ")
    assert says in line


@pytest.mark.parametrize("name", ["join", "/join", "/my/join.sh_1-2", "/my/aws/join"])
def test_a_parameter_that_a_user_can_make_is_taken(policy_file: Path, name: str) -> None:
    assert deployment(policy_file, joinParameter=name).join_parameter == name


def test_all_problems_are_told_at_once(policy_file: Path) -> None:
    assert len(problems(policy_file, ipv6="maybe", natGateways="two", weather="fine")) == 3


def test_a_policy_file_in_the_home_directory_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "policy.yaml").write_text(POLICY)
    assert read({"policyFile": "~/policy.yaml"}).context.policy_file == tmp_path / "policy.yaml"


def test_a_policy_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContextError, match=r"^context policyFile: .*/none\.yaml cannot be read \(No such file"):
        read({"policyFile": str(tmp_path / "none.yaml")})


def test_each_problem_of_the_policy_is_a_line(policy_file: Path) -> None:
    lines = problems(policy_file, POLICY.replace("version: 1", "version: 2").replace("host: ens6", "hots: ens6"))
    assert len(lines) == 3
    assert all(line.startswith(f"context policyFile: {policy_file}: ") for line in lines)


def test_a_policy_that_no_parameter_holds_is_refused(policy_file: Path) -> None:
    (line,) = problems(policy_file, POLICY + "#" * 8192)
    assert f"has {len(POLICY) + 8192} bytes, and a parameter holds 8192: shorten it" in line


def table() -> dict[str, tuple[str, str]]:
    """Return key -> values and default, of the tables in docs/deployment.md."""
    text = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.*?) ?\| .+ \|$", text, re.MULTILINE)
    assert len(rows) == len({row[0] for row in rows})
    return {key: (values, default) for key, values, default in rows}


def test_the_document_lists_every_key_with_its_values_and_default() -> None:
    def written(default: object) -> str:
        text = ", ".join(default) if isinstance(default, tuple) else str(default)
        return f"`{text.lower() if isinstance(default, bool) else text}`" if text else ""

    fields = {key: Context.model_fields[name] for key, name in FIELDS.items()}
    assert table() == {key: (info.description, written(info.default)) for key, info in fields.items()}
