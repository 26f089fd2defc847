"""The embedded default: an EC2 networking model, a cluster double and the event bus. Left out of the Lambda layer."""
