"""What this evaluator cannot judge. Nothing of it ever passes as allowed, nor as merely denied."""


class UnknownToIamError(Exception):
    """A policy or a request has something that is not modelled; the message names it. Model it, or take it out."""
