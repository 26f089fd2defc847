"""The roles of the template allow the functions what they call, and nothing that no call needs."""

from functools import partial

import pytest

from spiderpool_aws.deployment import FUNCTIONS
from tests.integration.iam.job import RefusedError, main_job, nics_of_its_own
from tests.integration.iam.roles import Roles, roles, without_action
from tests.integration.scene import TAGS

TAGGED = partial(roles, "tagged")
ALONE = partial(roles, "alone")


def test_the_main_job_runs_as_the_functions_roles() -> None:
    guard = main_job(TAGGED, nic_tags=TAGS)
    assert len(guard.asked) > 80, "the calls went past IAM"


def test_the_main_job_runs_alone_in_a_vpc_whose_nics_nobody_tagged() -> None:
    main_job(ALONE, nic_tags=None)


def test_nics_that_nobody_tagged_are_refused_where_the_launch_template_should_have_tagged_them() -> None:
    with pytest.raises(RefusedError, match="launch: ec2:AssignPrivateIpAddresses of reconcile_nodes"):
        main_job(TAGGED, nic_tags=None)


@pytest.mark.parametrize("roles_of", [TAGGED, ALONE], ids=["tagged", "alone"])
def test_the_worker_may_do_all_that_nics_of_its_own_and_lifecycle_hooks_need(roles_of: partial[Roles]) -> None:
    nics_of_its_own(roles_of)


@pytest.mark.parametrize("function", [function.name for function in FUNCTIONS])
def test_without_any_one_action_of_any_statement_something_fails(function: str) -> None:
    survivors = [
        (statement.sid, action)
        for statement in TAGGED("vpc-0")[function]
        for action in statement.actions
        if _runs_without(function, statement.sid, action)
    ]
    assert survivors == []


def _runs_without(function: str, sid: str, action: str) -> bool:
    def roles_of(vpc_id: str) -> Roles:
        return without_action(TAGGED(vpc_id), function, sid, action)

    try:
        nics_of_its_own(roles_of)
        main_job(roles_of, nic_tags=TAGS)
    except RefusedError as refused:
        assert f"{action} of {function} on " in str(refused).lower(), "it was another action that was missing"
        return False
    return True
