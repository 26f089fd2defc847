"""Runs the table of `answers_nics` and `answers_addresses` against the model."""

import pytest

from spiderpool_aws.local.ec2 import Ec2Error

from .answers_addresses import ASSIGN, DESCRIBE, RUN
from .answers_nics import ATTACH, CREATE, DELETE, Case
from .scene import Scene

CASES = [*CREATE, *DELETE, *ATTACH, *ASSIGN, *RUN, *DESCRIBE]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.claim)
def test_ec2_answers_as_documented(case: Case) -> None:
    scene = Scene()
    case.before(scene)
    params = case.params(scene)
    if case.error:
        held = {address for eni in scene.model.enis for address in scene.addresses(eni)}
        with pytest.raises(Ec2Error) as refused:
            scene.model.call(case.operation, params)
        assert (refused.value.code, case.message in refused.value.message) == (case.error, True), refused.value
        # A refused call leaves no trace: nothing half-assigned, nothing leaked.
        assert {address for eni in scene.model.enis for address in scene.addresses(eni)} == held
    else:
        answer = scene.model.call(case.operation, params)
        assert case.answer(answer, scene), answer


def test_every_claim_has_a_source_and_is_made_once() -> None:
    assert all(case.source.startswith(("doc: ", "issue: ", "code: ", "moto: ")) for case in CASES)
    assert len({case.claim for case in CASES}) == len(CASES)
