"""The stack of the functions, their queues and rules."""
