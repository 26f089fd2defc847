"""What a person asks for: the policy, read and checked."""
