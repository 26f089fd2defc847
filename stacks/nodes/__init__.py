"""The stack of the worker groups."""
