"""What only answers that a test makes up can show of reservations."""

import pytest

from spiderpool_aws.domain.cluster.reservation import reservation_for
from spiderpool_aws.domain.errors import Refused
from tests.unit.adapters.doubles import Reply, status
from tests.unit.adapters.pools import pool
from tests.unit.adapters.test_cluster import connect, page, pool_document

ONE = reservation_for(pool(), pool().spec.ips)
LABELS = pool().identity.to_labels()  # type: ignore[union-attr]
NOT_SERVED = [
    pytest.param(Reply(404, b"404 page not found\n"), id="as a server without the resource answers"),
    pytest.param(status(404, "the server could not find the requested resource", "NotFound"), id="as a Status"),
]


@pytest.mark.parametrize("answer", NOT_SERVED)
def test_a_spiderpool_without_the_resource_has_no_reservations(answer: Reply) -> None:
    cluster, _, _ = connect(answer)
    assert cluster.list_reservations() == []


@pytest.mark.parametrize("answer", NOT_SERVED)
def test_a_spiderpool_without_the_resource_refuses_one_and_says_why(answer: Reply) -> None:
    cluster, _, _ = connect(answer)
    with pytest.raises(Refused, match=r"does not know spiderreservedips\.spiderpool.*v1\.2 installed") as caught:
        cluster.apply_reservation(ONE)
    assert caught.value.code == "Invalid"


def test_what_is_no_reservation_of_ours_is_not_even_read() -> None:
    others = pool_document("theirs", spec={"ips": ["no address"]})
    spoiled = pool_document("ours", metadata={"name": "ours", "labels": LABELS}, spec={"ips": ["no address"]})
    cluster, _, reporter = connect(page(others, spoiled))
    assert cluster.list_reservations() == []
    assert len(reporter.warnings) == 1
    assert "spiderreservedips ours is passed over" in reporter.warnings[0]
