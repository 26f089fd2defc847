"""Runs the tables of `answers_*` against the model."""

import pytest

from spiderpool_aws.local.ec2 import Ec2Error

from .answers_assign import ASSIGN
from .answers_attach import ATTACH
from .answers_create import CREATE, DELETE
from .answers_describe import DESCRIBE
from .answers_run import RUN
from .case import Case
from .scene import Scene

CASES = [*CREATE, *DELETE, *ATTACH, *ASSIGN, *RUN, *DESCRIBE]


def held(scene: Scene) -> tuple[object, ...]:
    """Return who holds what, and how much each subnet has left."""
    free = {subnet.id: subnet.ipv4.free_count for subnet in scene.model.subnets.values()}
    return dict(scene.model.world._holders), free, set(scene.model.enis), set(scene.model.instances)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.claim)
def test_ec2_answers_as_documented(case: Case) -> None:
    scene = Scene()
    case.before(scene)
    params = case.params(scene)
    if case.error:
        before = held(scene)
        with pytest.raises(Ec2Error) as refused:
            scene.model.call(case.operation, params)
        assert (refused.value.code, case.message in refused.value.message) == (case.error, True), refused.value
        # A refused call leaves no trace: nothing half-assigned, nothing leaked.
        assert held(scene) == before
    else:
        answer = scene.model.call(case.operation, params)
        assert case.answer(answer, scene), answer


def test_every_claim_has_a_source_and_is_made_once() -> None:
    assert all(case.source.startswith(("doc: ", "issue: ", "code: ", "moto: ")) for case in CASES)
    assert all(case.error for case in CASES if case.code_is_ours)
    assert len({case.claim for case in CASES}) == len(CASES)
