"""Keys of the context that need each other, or do not go together."""

import base64
from pathlib import Path

import pytest

from spiderpool_aws.local.cluster.certificates import make_server_context
from spiderpool_aws.settings import IamAuthenticatorSettings, WebIdentitySettings
from stacks.context.model import FIELDS
from stacks.context.rules import LOGINS, OPTIONAL
from tests.infrastructure.contexts import NO_IPV6, POLICY, deployment, problems

ALONE: dict[str, object] = {
    "vpcId": "vpc-1",
    "subnetIds": "subnet-1,subnet-2",
    "subnetZones": "eu-central-1a,eu-central-1b",
    "apiServerCidr": "10.0.0.0/16",
}
ENDPOINT = "https://10.0.0.5:6443"


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> str:
    _, file = make_server_context(tmp_path_factory.mktemp("tls"))
    return base64.b64encode(file.read_bytes()).decode()


def test_the_zones_count_themselves_and_a_count_must_agree(policy_file: Path) -> None:
    assert deployment(policy_file, zoneNames="us-gov-west-1a").context.availability_zones == 1
    (line,) = problems(policy_file, zoneNames="us-east-1a,us-east-1b", availabilityZones=3)
    assert line == "context zoneNames: it has 2 names, and availabilityZones is 3: make them equal"


@pytest.mark.parametrize(
    ("context", "says"),
    [
        ({"ipv6": False, "ipv6Route": "egress-only"}, "context ipv6Route: there is no IPv6 with ipv6: false"),
        ({"nodesPerZone": 20}, "context nodesPerZone: 20 is above maxNodesPerZone 10: lower it, or raise that"),
        ({"sshKeyName": "mine"}, "context sshKeyName: SSH needs a key and a CIDR: give sshCidr, too"),
        ({"sshCidr": "198.51.100.0/24"}, "context sshCidr: SSH needs a key and a CIDR: give sshKeyName, too"),
        ({"sshKeyName": "mine", "sshCidr": "0.0.0.0/0"}, "context sshCidr: 0.0.0.0/0 is too much of the internet"),
        ({"sshKeyName": "mine", "sshCidr": "0.0.0.0/1"}, "context sshCidr: 0.0.0.0/1 is too much of the internet"),
        ({"sshKeyName": "mine", "sshCidr": "10.0.0.0/7"}, "context sshCidr: 10.0.0.0/7 is too much of the internet"),
        ({"sshKeyName": "mine", "sshCidr": "::/0"}, "context sshCidr: ::/0 is too much of the internet"),
        ({"sshKeyName": "mine", "sshCidr": "2a00::/31"}, "context sshCidr: 2a00::/31 is too much of the internet"),
        ({"zoneNames": "eu-west-1a,eu-west-2a"}, "context zoneNames: they are of eu-west-1 and eu-west-2: give zones"),
        ({"subnetIds": "subnet-1"}, "context subnetIds: it goes with vpcId"),
        ({"apiServerSecurityGroup": "sg-1", "apiServerCidr": "10.0.0.0/8"}, "context apiServerCidr: apiServerSecurity"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(policy_file: Path, context: dict[str, object], says: str) -> None:
    (line,) = problems(policy_file, NO_IPV6, **context)
    assert line.startswith(says)


@pytest.mark.parametrize("written", [{"CreateTags": [50, 5.5]}, '{"CreateTags": [50, 5.5]}'])
def test_an_account_with_other_request_rates_says_which(policy_file: Path, written: object) -> None:
    assert deployment(policy_file, ec2Buckets=written).context.ec2_buckets == {"CreateTags": [50, 5.5]}


def test_each_request_rate_that_is_none_is_a_line(policy_file: Path) -> None:
    wrong = {"RunInstances": [1, 1], "CreateTags": [1, 0], "AttachNetworkInterface": {"burst": 1, "refill": 1}}
    unknown, *rates = problems(policy_file, ec2Buckets=wrong)
    assert unknown.startswith("context ec2Buckets: unknown action RunInstances: name some of AssignIpv6Addresses, ")
    assert rates == [
        f"context ec2Buckets: the rate of {action} is not two numbers above 0: give [burst, refill a second]"
        for action in ("CreateTags", "AttachNetworkInterface")
    ]


def test_the_reconciler_alone_needs_a_vpc_its_subnets_their_zones_and_the_api_server(policy_file: Path) -> None:
    assert deployment(policy_file, **ALONE, vpcEndpoints=True).context.alone
    assert problems(policy_file, vpcId="vpc-1") == [
        "context subnetIds: vpcId needs it: give the private subnets of that VPC",
        "context subnetZones: vpcId needs it: give the availability zones of subnetIds",
        "context vpcId: the API server is not in a group of ours: give apiServerSecurityGroup or apiServerCidr",
    ]
    (line,) = problems(policy_file, **{**ALONE, "subnetZones": "eu-central-1a"})
    assert line.startswith("context subnetZones: there are 2 subnetIds and 1 zones: give the zone of each subnet")


def test_the_subnets_of_the_reconciler_alone_are_of_one_region(policy_file: Path) -> None:
    (line,) = problems(policy_file, **{**ALONE, "subnetZones": "us-east-1-bos-1a,us-gov-east-1a"})
    assert line == "context subnetZones: they are of us-east-1 and us-gov-east-1: give zones of one region"
    zones = "us-east-1-bos-1a,us-east-1b"
    assert deployment(policy_file, **{**ALONE, "subnetZones": zones}).context.subnet_zones == tuple(zones.split(","))


@pytest.mark.parametrize("cidr", ["10.0.0.0/8", "2a00::/32"])
def test_ssh_may_come_from_as_much_as_one_network_has(policy_file: Path, cidr: str) -> None:
    assert deployment(policy_file, sshKeyName="mine", sshCidr=cidr).context.ssh_cidr == cidr


def test_the_reconciler_alone_refuses_every_key_of_a_network_or_of_nodes(policy_file: Path) -> None:
    values: dict[str, object] = {
        "vpcCidr": "10.0.0.0/16", "availabilityZones": 2, "zoneNames": ["us-east-1a", "us-east-1b"],
        "natGateways": "one",
        "ipv6Route": "egress-only", "flowLogs": False, "instanceTypes": "m7g.large", "nodesPerZone": 1,
        "maxNodesPerZone": 1, "imageParameter": "/mine", "templateNics": "all", "joinParameter": "/join",
        "sshKeyName": "", "sshCidr": "",
    }  # fmt: skip
    lines = problems(policy_file, **ALONE, **values)
    assert [line.split(":")[0] for line in lines] == [f"context {key}" for key in values]
    assert all("with vpcId only the reconciler is deployed" in line for line in lines)


def test_the_reconciler_alone_may_say_that_its_subnets_have_no_ipv6(policy_file: Path) -> None:
    # The policy's NICs are elsewhere: what its pools need says nothing of the functions' own subnets.
    assert deployment(policy_file, POLICY, **ALONE, ipv6=False).context.ipv6 is False


def test_the_reconciler_alone_leaves_instance_types_to_whoever_launches_the_nodes(policy_file: Path) -> None:
    many = POLICY.replace("{addresses: 5}", "{addresses: 29}")
    assert deployment(policy_file, many, **ALONE).context.alone


def test_each_login_has_the_keys_that_the_functions_ask_for() -> None:
    for login, model in (("web-identity", WebIdentitySettings), ("iam-authenticator", IamAuthenticatorSettings)):
        assert {FIELDS[key] for key in LOGINS[login]} == set(model.model_fields)


@pytest.mark.parametrize(
    ("login", "own"), [("web-identity", {"clusterAudience": "me"}), ("iam-authenticator", {"clusterId": "me"})]
)
def test_a_login_without_one_of_its_keys_is_refused(
    policy_file: Path, authority: str, login: str, own: dict[str, object]
) -> None:
    whole = {"clusterLogin": login, "clusterEndpoint": ENDPOINT, "clusterCa": authority, **own}
    assert deployment(policy_file, **whole).context.cluster_login == login
    for key in whole.keys() - {"clusterLogin"}:
        (line,) = problems(policy_file, **{k: v for k, v in whole.items() if k != key})
        assert line.startswith(f"context {key}: clusterLogin {login} needs it: give ")


def test_a_key_of_another_login_is_refused(policy_file: Path, authority: str) -> None:
    values: dict[str, object] = {
        "clusterEndpoint": ENDPOINT,
        "clusterCa": authority,
        "clusterAudience": "me",
        "clusterId": "me",
        "kubeconfigSecretArn": "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:mine-AbCdEf",
    }
    for login, needs in LOGINS.items():
        ours = {*needs, *OPTIONAL.get(login, ())}
        lines = problems(policy_file, clusterLogin=login, **values)
        assert {line.split(":")[0] for line in lines} == {f"context {key}" for key in values.keys() - ours}
        assert all(f"clusterLogin {login} does not use it: remove it" in line for line in lines)


def test_the_port_of_the_api_server_is_that_of_its_url(policy_file: Path, authority: str) -> None:
    login: dict[str, object] = {"clusterLogin": "web-identity", "clusterCa": authority, "clusterAudience": "me"}
    assert deployment(policy_file, **login, clusterEndpoint="https://api.example").context.api_server_port == 443
    (line,) = problems(policy_file, **login, clusterEndpoint="https://api.example", apiServerPort="6443")
    assert line == "context apiServerPort: it is 6443, and clusterEndpoint's is 443: make them equal"
