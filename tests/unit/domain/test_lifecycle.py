"""Where an instance stands in its Auto Scaling group."""

import pytest

from spiderpool_aws.domain.lifecycle import Lifecycle, Transition


@pytest.mark.parametrize(
    ("state", "warm", "leaving", "waits"),
    [
        ("Pending:Wait", False, False, Transition.LAUNCHING),
        ("Warmed:Pending:Wait", True, False, Transition.LAUNCHING),
        ("Terminating:Wait", False, True, Transition.TERMINATING),
        ("Warmed:Terminating:Wait", True, True, Transition.TERMINATING),
        ("Terminating:Proceed", False, True, None),
        ("Warmed:Stopped", True, False, None),
        ("InService", False, False, None),
        ("ReplacingRootVolume:Wait", False, False, None),
    ],
)
def test_a_state_says_what_waits(state: str, warm: bool, leaving: bool, waits: Transition | None) -> None:
    stands = Lifecycle("workers", state)
    assert (stands.is_warm, stands.is_leaving, stands.waiting) == (warm, leaving, waits)
