"""What a user applies to the cluster for us: data and text, without any client."""
