"""The table of instance types says what DescribeInstanceTypes says."""

import pytest

from spiderpool_aws.domain.instance import InstanceTypeLimits
from stacks.instance_types import TABLE, KnownType, known_type
from tests.infrastructure.instance_types import render


def test_the_table_is_what_the_data_of_aws_gives() -> None:
    assert TABLE.read_text(encoding="utf-8") == render()


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("m7g.large", KnownType("arm64", InstanceTypeLimits("m7g.large", 3, 10, 10, nitro=True))),
        ("m1.small", KnownType("x86_64", InstanceTypeLimits("m1.small", 2, 4, 0, nitro=False))),
        ("p5.48xlarge", KnownType("x86_64", InstanceTypeLimits("p5.48xlarge", 2, 50, 50, nitro=True))),
    ],
)
def test_a_type_is_read_from_the_table(name: str, known: KnownType) -> None:
    assert known_type(name) == known


def test_a_type_that_is_newer_than_the_table_is_not_known() -> None:
    assert known_type("m99g.large") is None
