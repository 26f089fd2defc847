"""People delete the pools of an instance, it is terminated, and only its Node's providerID says whose pods are left."""

from tests.simulation.simulation import Simulation


def test_the_pods_of_a_dead_node_whose_pools_somebody_deleted_go_by_its_provider_id() -> None:
    with Simulation() as sim:
        sim.launch(1, 0)
        sim.advance(60)
        sim.delete_pool(6)
        sim.advance(5)
        sim.delete_pool(0)
        sim.terminate(3)
        sim.run_pod(5, 1, False)
        sim.converge()
