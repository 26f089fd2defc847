"""What can be done to EC2 and to the cluster, and in what order."""
