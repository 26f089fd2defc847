"""A small version of `python -m tests.simulation.edges`."""

from spiderpool_aws.deployment import BATCH_SIZE
from tests.simulation.edges import loads


def test_a_burst_a_refresh_and_a_backlog_end_with_every_node_served_and_nothing_lost() -> None:
    figures = dict(loads(nodes=20, burst=200))
    _, burst, refresh, backlog, rest = figures.values()
    assert (burst.messages, burst.invocations["reconcile_nodes"]) == (200, 200 / BATCH_SIZE)
    assert all((f.failed, f.dead, f.nodes, f.pools) == (0, 0, 20, 40) for f in figures.values())
    # A launch is looked at until its Node has joined; its message stays the same.
    assert refresh.messages <= 4 * 20
    assert backlog.messages <= backlog.events
    assert refresh.writes >= 20 * 2
    assert (burst.writes, rest.writes, rest.messages, rest.invocations["resync"]) == (0, 0, 0, 15)
