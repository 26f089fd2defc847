"""The stack of the VPC."""
