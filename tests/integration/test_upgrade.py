"""A cluster that the release before has served is served on: its annotations, its fuse and its messages are read."""

import json
from pathlib import Path
from typing import Any

from spiderpool_aws.domain.cluster.pool import STATE_ANNOTATION
from spiderpool_aws.local.ec2 import interrupt_spot
from spiderpool_aws.local.stack import FUSE_PARAMETER
from tests.integration.scene import Scene, policy_text, scene

PREVIOUS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "unit" / "stored" / "previous.json").read_text(encoding="utf-8")
)


def state(s: Scene) -> dict[str, Any]:
    [pool] = s.stack.cluster.objects("spiderippools")
    remembered: dict[str, Any] = json.loads(pool["metadata"].get("annotations", {}).get(STATE_ANNOTATION, "{}"))
    return remembered


def as_it_was(s: Scene) -> None:
    """Put the annotation of the pool, and the fuse, into the form of the release before."""
    [pool] = s.stack.cluster.objects("spiderippools")
    old = json.loads(PREVIOUS["annotations"]["interrupted"]) | {"nodeUid": state(s)["nodeUid"]}
    pool["metadata"]["annotations"][STATE_ANNOTATION] = json.dumps(old)
    s.stack.cluster.put(pool)
    s.stack._ssm().put_parameter(Name=FUSE_PARAMETER, Value=PREVIOUS["fuses"]["whole"], Type="String", Overwrite=True)


def test_a_spot_warning_and_a_fuse_of_the_release_before_are_read_by_the_first_resync() -> None:
    with scene(policy_text(nics=1)) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        interrupt_spot(s.stack.model, instance_id)
        s.run(30)
        assert "interrupted" in state(s)
        as_it_was(s)
        assert (state(s)["interrupted"], "policy" in s.stack.fuse()) == (True, False)
        s.stack.bus.invoke_resync({})
        s.run(30)
        assert isinstance(state(s)["interrupted"], str)
        assert s.pools()[0].spec.disable
        assert s.stack.fuse()["policy"]


def test_messages_of_the_release_before_that_wait_in_the_queue_are_worked_on() -> None:
    with scene(policy_text(nics=1)) as s:
        instance_id = s.launch(nics=1)
        s.run(120)
        s.checker.assert_idle(lambda: s.run(60))
        for text in PREVIOUS["messages"][:3]:
            body = json.loads(text)
            if body["subject"].startswith("i-"):
                body["subject"] = instance_id
            s.stack.requests.send(json.dumps(body), group=body["subject"], deduplication_id=body["eventId"])
        before = len(s.stack.functions["reconcile_nodes"].invocations)
        s.checker.assert_idle(lambda: s.run(30))
        assert len(s.stack.functions["reconcile_nodes"].invocations) > before
        assert (s.stack.requests.messages, s.stack.dead_requests.messages) == ([], [])
