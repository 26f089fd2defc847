"""spiderpool-aws: SpiderIPPools that hold what EC2 assigned to each NIC, kept so by events."""
