"""The checker of fields that are others' can fail: a product that has gone wrong writes them."""

from collections.abc import Callable

import pytest

from spiderpool_aws.local.invariants import InvariantError
from tests.integration.broken_product import path, write
from tests.integration.scene import Scene, policy_text, scene


def exclude_an_address(s: Scene) -> None:
    write(s, "PATCH", path(s), {"spec": {"excludeIPs": ["10.0.0.5"]}})


def annotate_a_pool(s: Scene) -> None:
    write(s, "PATCH", path(s), {"metadata": {"annotations": {"example.com/owner": "us"}}})


def enable_what_a_person_has_disabled(s: Scene) -> None:
    headers = {"authorization": f"Bearer {s.stack.cluster.admin_token}", "content-type": "application/merge-patch+json"}
    assert s.stack.cluster.request("PATCH", path(s), {}, headers, {"spec": {"disable": True}}).status == 200
    s.checker.check()
    write(s, "PATCH", path(s), {"spec": {"disable": False}})


@pytest.mark.parametrize("break_it", [exclude_an_address, annotate_a_pool, enable_what_a_person_has_disabled])
def test_a_product_that_writes_what_is_somebody_elses_is_caught(break_it: Callable[[Scene], None]) -> None:
    with scene(policy_text(nics=1)) as s:
        s.launch(nics=1)
        s.run(120)
        s.checker.check()
        break_it(s)
        with pytest.raises(InvariantError, match="invariant 7:"):
            s.checker.check()
        s.checker.violations.clear()
