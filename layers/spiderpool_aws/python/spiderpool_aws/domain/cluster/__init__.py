"""What the cluster has: pools, nodes, reservations, and who wrote them."""
