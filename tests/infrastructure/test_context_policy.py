"""A policy that the names, the network or the instance types cannot carry stops the synthesis."""

from pathlib import Path

import pytest

from stacks.context.model import IMAGES
from tests.infrastructure.contexts import NO_IPV6, POLICY, PREFIXES, deployment, problems


@pytest.mark.parametrize("cluster", ["under_score", "a.b", "x" * 25, "ends-", "Demo"])
def test_a_cluster_that_cannot_be_part_of_names_is_refused(policy_file: Path, cluster: str) -> None:
    (line,) = problems(policy_file, POLICY.replace("demo", cluster.removesuffix("-") + "_x" * cluster.endswith("-")))
    assert line.startswith(f"context policyFile: {policy_file}: cluster ")
    assert "becomes part of AWS names: take at most 24 small letters, digits and `-`" in line


def test_a_policy_with_ipv6_needs_a_network_with_ipv6(policy_file: Path) -> None:
    assert problems(policy_file, ipv6=False) == [
        "context ipv6: the policy gives ipv6 to ens5, ens6: remove it there, or remove ipv6: false"
    ]
    assert deployment(policy_file, NO_IPV6, ipv6=False).context.ipv6 is False


@pytest.mark.parametrize(
    ("types", "policy", "says"),
    [
        pytest.param("t3.micro", NO_IPV6, "t3.micro has 2 IPv4 slots a NIC, ens5 needs 6", id="too few addresses"),
        pytest.param("m1.large", POLICY, "m1.large has 0 IPv6 slots a NIC, ens5 needs 6", id="a type without IPv6"),
        pytest.param("t2.large", PREFIXES, "t2.large cannot carry prefixes (not a Nitro type)", id="not Nitro"),
        pytest.param(
            "t4g.large",
            POLICY.replace("deviceIndex: 0", "deviceIndex: 2")
            + POLICY[POLICY.index("      - deviceIndex: 1") :]
            .replace("deviceIndex: 1", "deviceIndex: 3")
            .replace("ens6", "ens8"),
            "t4g.large has 3 NICs, and the policy's group workers has 4",
            id="too few NICs, index 0 counted",
        ),
        pytest.param(
            "m7g.large", POLICY.replace("{addresses: 5}", "{addresses: 10}"), "needs 11 with its own", id="one too many"
        ),
        pytest.param(
            "m7g.large",
            NO_IPV6.replace("{addresses: 5}", "{addresses: {min: 1, warm: 12, max: 20}}"),
            "needs 13 with its own",
            id="elastic",
        ),
        pytest.param(
            "m7g.large",
            POLICY.replace("match: {", 'match: {instanceTypes: ["m7i.*"], '),
            "m7g.large fits none of m7i.* of the policy's group workers",
            id="a type of another group",
        ),
    ],
)
def test_a_known_instance_type_that_cannot_carry_the_policy_is_refused(
    policy_file: Path, types: str, policy: str, says: str
) -> None:
    lines = problems(policy_file, policy, instanceTypes=types)
    assert any(line.startswith("context instanceTypes: ") and says in line for line in lines), lines


@pytest.mark.parametrize(
    "policy",
    [
        PREFIXES,
        NO_IPV6.replace("{addresses: 5}", "{addresses: max}"),
        POLICY.replace("{addresses: 5}", "{addresses: 9}"),
        # The type cuts the most that an elastic size may reach, which is no error.
        NO_IPV6.replace("{addresses: 5}", "{addresses: {min: 1, warm: 2, max: 40}}"),
    ],
)
def test_a_type_that_can_carry_the_policy_is_taken(policy_file: Path, policy: str) -> None:
    assert deployment(policy_file, policy).context.instance_types == ("m7g.large",)


def test_a_type_that_nobody_knows_yet_is_taken_with_an_image_that_somebody_named(policy_file: Path) -> None:
    for types in ("m99g.large", "m7g.large,m99g.large"):
        taken = deployment(policy_file, instanceTypes=types, imageParameter=IMAGES["arm64"])
        assert taken.context.image_parameter == IMAGES["arm64"]


@pytest.mark.parametrize("types", ["m7g.lage", "m7g.large,m7g.lage", "m7g.lage,m7i.large"])
def test_a_type_that_nobody_knows_is_refused_without_an_image(policy_file: Path, types: str) -> None:
    """Its architecture is not known, so the default image may be one that does not boot."""
    assert problems(policy_file, instanceTypes=types) == [
        "context instanceTypes: m7g.lage is not in stacks/instance_types.txt, did you mean 'm7g.large'? For a newer "
        "type give imageParameter, an image of its architecture"
    ]


def test_the_image_follows_the_architecture_of_the_types(policy_file: Path) -> None:
    assert deployment(policy_file, instanceTypes="m7i.large").context.image_parameter == IMAGES["x86_64"]
    assert deployment(policy_file, instanceTypes="m7i.large", imageParameter="/mine").context.image_parameter == "/mine"


def test_types_of_two_architectures_and_an_image_of_the_other_one_are_refused(policy_file: Path) -> None:
    (line,) = problems(policy_file, instanceTypes="m7g.large,m7i.large")
    assert line.endswith("one architecture, but m7g.large is arm64, m7i.large is x86_64")
    (line,) = problems(policy_file, instanceTypes="m7i.large", imageParameter=IMAGES["arm64"])
    assert line == f"context imageParameter: {IMAGES['arm64']} is for arm64, and m7i.large is x86_64"


def test_the_subnets_must_have_room_for_the_nodes_of_the_first_day(policy_file: Path) -> None:
    # A /23 gives each NIC a /26: 59 addresses, of which a node takes its own and five.
    assert deployment(policy_file, vpcCidr="10.0.0.0/23", nodesPerZone=9)
    lines = problems(policy_file, vpcCidr="10.0.0.0/23", nodesPerZone=10)
    assert "the first NICs a /26 in each zone, with 59 single addresses, and 10 nodes need 60" in lines[0]
    assert "the other NICs" in lines[1]


def test_prefixes_must_fit_into_the_part_that_is_kept_for_them(policy_file: Path) -> None:
    assert deployment(policy_file, PREFIXES, vpcCidr="10.0.0.0/23", nodesPerZone=3)
    lines = problems(policy_file, PREFIXES, vpcCidr="10.0.0.0/23", nodesPerZone=4)
    assert "with 3 /28 prefixes, and 4 nodes need 4" in lines[0]
