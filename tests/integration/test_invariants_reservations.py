"""The checker of what is kept back (SpiderReservedIP) can fail: each rule is broken once, by a product gone wrong."""

from collections.abc import Callable
from typing import Any

import pytest

from spiderpool_aws.local.invariants import InvariantError
from tests.integration.broken_product import API, apply, manifest, path, relabelled, write
from tests.integration.scene import Scene, policy_text, scene


def reservation(s: Scene, name: str = "", ips: tuple[str, ...] = ("10.0.0.5",), **labels: str) -> dict[str, Any]:
    """Return a SpiderReservedIP of the first NIC's pool, with other labels when some are given."""
    reserved = relabelled(manifest(s), name, **labels) | {"kind": "SpiderReservedIP"}
    return reserved | {"spec": {"ipVersion": 4, "ips": list(ips)}}


def keep_back_what_no_pool_lists(s: Scene) -> None:
    apply(s, reservation(s, ips=("10.0.0.5", "10.0.0.77")))


def keep_back_what_another_pool_lists(s: Scene) -> None:
    apply(s, reservation(s, "another-pool"))


def keep_back_without_labels(s: Scene) -> None:
    apply(s, reservation(s) | {"metadata": {"name": path(s).rpartition("/")[2]}})


def write_somebodys_reservation(s: Scene) -> None:
    s.stack.cluster.put(reservation(s) | {"metadata": {"name": path(s).rpartition("/")[2]}})
    apply(s, reservation(s))


def delete_another_clusters_reservation(s: Scene) -> None:
    s.stack.cluster.put(reservation(s, cluster="staging"))
    write(s, "DELETE", f"{API}/spiderreservedips/{path(s).rpartition('/')[2]}")


def create_a_reservation_past_server_side_apply(s: Scene) -> None:
    write(s, "POST", f"{API}/spiderreservedips", reservation(s), kind="json")


@pytest.mark.parametrize(
    "break_it",
    [
        keep_back_what_no_pool_lists,
        keep_back_what_another_pool_lists,
        keep_back_without_labels,
        write_somebodys_reservation,
        delete_another_clusters_reservation,
        create_a_reservation_past_server_side_apply,
    ],
)
def test_a_product_that_keeps_back_what_is_not_its_own_is_caught(break_it: Callable[[Scene], None]) -> None:
    with scene(policy_text(nics=1)) as s:
        s.launch(nics=1)
        s.run(120)
        s.checker.check()
        break_it(s)
        with pytest.raises(InvariantError, match=r"invariant 7: (reservation|spiderreservedips)"):
            s.checker.check()
        s.checker.violations.clear()


def test_a_reservation_that_outlives_its_reason_is_caught_at_rest() -> None:
    with scene(policy_text(nics=1)) as s:
        s.launch(nics=1)
        s.run(120)
        apply(s, reservation(s))
        s.checker.check()
        with pytest.raises(InvariantError, match=r"invariant 8: reservation .* keeps back 10\.0\.0\.5, which no pod"):
            s.checker.assert_no_leaks()
        s.stack.cluster.put(manifest(s, ips=["10.0.0.6-10.0.0.9"]))
        with pytest.raises(InvariantError, match=r"keeps back 10\.0\.0\.5, which its pool does not list"):
            s.checker.assert_no_leaks()
