"""The Lambda handlers: parse, delegate, report."""
