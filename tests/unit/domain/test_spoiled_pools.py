"""What is read of a pool that somebody has spoiled: as much as can be, on the safe side."""

from typing import Any

import pytest

from spiderpool_aws.domain.cluster.pool import FAMILY_LABEL, INSTANCE_LABEL, Pool, PoolIdentity, SpiderIPPool
from tests.unit.build import V4, v4

LISTED = "10.0.0.11-10.0.0.13"


def spoiled(labels: dict[str, str] | None = None, allocated: str | None = None, **spec: Any) -> Pool:
    document = {
        "metadata": {"name": "p", "labels": labels or {}},
        "spec": {"subnet": "10.0.0.0/24", "ips": [LISTED], **spec},
        "status": {"allocatedIPs": allocated},
    }
    return SpiderIPPool.model_validate(document).to_pool()


def test_of_addresses_that_are_spoiled_the_others_count_and_the_text_is_told() -> None:
    read = spoiled(ips=["10.0.0.x", "10.0.0.9-10.0.0.7", "::1"], excludeIPs=["10.0.0.8", ""])
    assert (read.spec.ips, read.excluded) == (v4("10.0.0.7-10.0.0.9"), v4("10.0.0.8"))
    assert read.problems == (
        "spec.ips: '10.0.0.x' is not an IP address",
        "spec.ips: '::1' is not an IPv4 address",
        "spec.excludeIPs: '' is not an IP address",
    )
    assert spoiled().problems == ()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{", id="no JSON"),
        pytest.param("[]", id="no object"),
        pytest.param('{"10.0.0.11": "p"}', id="a record of another shape"),
        pytest.param('{"10.0.0.11": null}', id="no record"),
        pytest.param('{"x": {}}', id="no address"),
        pytest.param('{"10.0.0.11": {"pod": "\\ud800"}}', id="a text that UTF-8 cannot say"),
        pytest.param("[" * 100_000, id="nested too deeply"),
    ],
)
def test_where_nobody_can_tell_what_pods_use_all_that_is_listed_counts_as_used(text: str) -> None:
    read = spoiled(allocated=text)
    assert (read.allocated, read.users, len(read.problems)) == (v4(LISTED), {}, 1)
    assert read.problems[0].startswith("status.allocatedIPs: ")


def test_what_can_be_read_names_the_pods() -> None:
    read = spoiled(allocated='{"10.0.0.11": {"pod": "default/\\u00e9"}, "10.0.0.12": {}}')
    assert (read.allocated, read.users, read.problems) == (v4("10.0.0.11-10.0.0.12"), {"10.0.0.11": "default/é"}, ())


@pytest.mark.parametrize("changed", [{FAMILY_LABEL: "6"}, {INSTANCE_LABEL: "eni-1"}, {INSTANCE_LABEL: "i-0.x"}])
def test_labels_that_we_never_wrote_make_no_pool_ours(changed: dict[str, str]) -> None:
    labels = PoolIdentity("prod", "i-1", "eni-1", "eni-attach-1", V4).to_labels()
    assert spoiled(labels).identity is not None
    assert spoiled(labels | changed).identity is None
