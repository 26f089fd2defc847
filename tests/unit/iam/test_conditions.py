"""IAM's condition operators, as its user guide has them; what is not modelled is an error."""

from typing import Any

import pytest

from spiderpool_aws.local.iam import UnknownToIamError
from spiderpool_aws.local.iam.conditions import parse_conditions

VPC = "arn:aws:ec2:eu-west-1:1:vpc/vpc-1"
TAG = "aws:ResourceTag/team"


def holds(document: dict[str, Any], **context: tuple[str, ...]) -> bool:
    keys = {name.replace("__", ":").replace("_of_", "/").lower(): values for name, values in context.items()}
    return all(condition.holds(keys) for condition in parse_conditions(document))


@pytest.mark.parametrize(
    ("operator", "wanted", "given", "expected"),
    [
        ("StringEquals", "blue", "blue", True),
        ("StringEquals", "blue", "Blue", False),
        ("StringEquals", "b*", "blue", False),
        ("StringEquals", ["red", "blue"], "blue", True),
        ("StringLike", "b*e", "blue", True),
        ("StringLike", "b?e", "blue", False),
        ("Bool", True, "true", True),
        ("Bool", "false", "true", False),
        ("NumericLessThanEquals", "300", "300", True),
        ("NumericLessThanEquals", 300, "299", True),
        ("NumericLessThanEquals", "300", "1000", False),
    ],
)
def test_operators_on_one_value(operator: str, wanted: Any, given: str, expected: bool) -> None:
    assert holds({operator: {TAG: wanted}}, aws__ResourceTag_of_team=(given,)) is expected


@pytest.mark.parametrize("operator", ["ArnEquals", "ArnLike"])
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (VPC, True),
        ("arn:aws:ec2:*:*:vpc/vpc-?", True),
        ("arn:aws:*:vpc/vpc-1", False),
        ("*", False),
        ("arn:aws:ec2:eu-west-1:1:vpc/vpc-2", False),
    ],
)
def test_arns_are_compared_part_by_part(operator: str, wanted: str, expected: bool) -> None:
    assert holds({operator: {"ec2:Vpc": wanted}}, ec2__Vpc=(VPC,)) is expected


@pytest.mark.parametrize(
    "document",
    [
        {"StringEquals": {TAG: "blue"}},
        {"StringLike": {TAG: "*"}},
        {"ArnEquals": {"ec2:Vpc": VPC}},
        {"Null": {TAG: "false"}},
        {"ForAnyValue:StringEquals": {"aws:TagKeys": "team"}},
    ],
)
def test_a_key_that_the_request_has_not_fulfils_nothing(document: dict[str, Any]) -> None:
    assert not holds(document)


@pytest.mark.parametrize(
    "document",
    [
        {"StringEqualsIfExists": {TAG: "blue"}},
        {"Null": {TAG: True}},
        {"ForAllValues:StringEquals": {"aws:TagKeys": "team"}},
    ],
)
def test_but_these_three_hold_without_the_key(document: dict[str, Any]) -> None:
    assert holds(document)


def test_if_exists_compares_when_the_key_is_there() -> None:
    assert not holds({"StringEqualsIfExists": {TAG: "blue"}}, aws__ResourceTag_of_team=("red",))


def test_null_is_fulfilled_by_a_key_that_is_there_when_it_says_false() -> None:
    assert holds({"Null": {TAG: "false"}}, aws__ResourceTag_of_team=("",))
    assert not holds({"Null": {TAG: "true"}}, aws__ResourceTag_of_team=("",))


@pytest.mark.parametrize(
    ("quantifier", "given", "expected"),
    [
        ("ForAllValues", ("a", "b"), True),
        ("ForAllValues", ("a", "c"), False),
        ("ForAnyValue", ("a", "c"), True),
        ("ForAnyValue", ("c",), False),
    ],
)
def test_all_or_any_of_a_keys_values(quantifier: str, given: tuple[str, ...], expected: bool) -> None:
    assert holds({f"{quantifier}:StringEquals": {"aws:TagKeys": ["a", "b"]}}, aws__TagKeys=given) is expected


def test_every_operator_and_every_key_has_to_hold() -> None:
    both = {"StringEquals": {TAG: "blue", "aws:ResourceTag/size": "l"}, "ArnEquals": {"ec2:Vpc": VPC}}
    right = {"aws__ResourceTag_of_team": ("blue",), "aws__ResourceTag_of_size": ("l",), "ec2__Vpc": (VPC,)}
    assert holds(both, **right)
    for name in right:
        assert not holds(both, **(right | {name: ("other",)}))


def test_names_of_keys_are_compared_without_case() -> None:
    assert holds({"StringEquals": {"AWS:resourcetag/TEAM": "blue"}}, aws__ResourceTag_of_team=("blue",))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"StringNotEquals": {TAG: "blue"}}, "operator StringNotEquals is not modelled"),
        ({"IpAddress": {TAG: "10.0.0.0/8"}}, "operator IpAddress is not modelled"),
        ({"NullIfExists": {TAG: "true"}}, "operator NullIfExists is not modelled"),
        ({"ForEachValue:StringEquals": {"aws:TagKeys": "a"}}, "ForEachValue:StringEquals is not modelled"),
        ({"StringEquals": {"aws:SourceVpce": "vpce-1"}}, "condition key aws:SourceVpce is not modelled"),
        ({"StringEquals": {"ec2:Tenancy": "default"}}, "condition key ec2:Tenancy is not modelled"),
        ({"StringEquals": {"aws:TagKeys": "a"}}, "aws:TagKeys needs ForAllValues or ForAnyValue"),
        ({"ForAllValues:StringEquals": {TAG: "a"}}, f"{TAG} has no use for ForAllValues"),
        ({"Null": {TAG: "yes"}}, f"Null of {TAG} is true or false"),
        ({"StringEquals": {TAG: "${aws:PrincipalTag/team}"}}, "policy variables are not modelled"),
        ({"StringEquals": {TAG: []}}, f"the values of {TAG} are text"),
        ({"StringEquals": {TAG: [{"Ref": "Team"}]}}, f"the values of {TAG} are text"),
        ("StringEquals", "a Condition is an object"),
    ],
)
def test_what_is_not_modelled_is_an_error(document: Any, message: str) -> None:
    with pytest.raises(UnknownToIamError, match=message):
        parse_conditions(document)
