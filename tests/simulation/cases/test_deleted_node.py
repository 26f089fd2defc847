"""A person deletes a Node, and EC2 takes an address away: the pool lists it on, and EC2 gives it to another host."""

from spiderpool_aws.domain.cluster.pool import SpiderIPPool
from tests.simulation.simulation import Simulation


def test_a_pool_whose_node_was_deleted_still_loses_what_ec2_took_away() -> None:
    with Simulation() as sim:
        sim.launch(1)
        sim.advance(60)
        sim.delete_node(0)
        sim.unassign(0, 0, 1)
        sim.advance(600)
        (eni, *_) = sim.nics(0)
        pools = [SpiderIPPool.model_validate(p).to_pool() for p in sim.stack.cluster.objects("spiderippools")]
        (listed,) = [pool.spec.ips for pool in pools if pool.identity and pool.identity.eni_id == eni.id]
        assert set(listed) <= set(eni.secondary_ips)
