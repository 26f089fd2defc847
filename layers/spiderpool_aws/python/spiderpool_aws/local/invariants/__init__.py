"""The invariants of the product (docs/architecture.md), judged on the EC2 model and the cluster double together.

The system's own writes are judged against the truth at the moment of the write: the checker listens to both sides. What
somebody else does may break the state; that the system mends it, and then is at rest, is for `assert_idle` to ask (8).
"""

from spiderpool_aws.local.invariants.checker import InvariantChecker
from spiderpool_aws.local.invariants.violations import InvariantError, Violation

__all__ = ["InvariantChecker", "InvariantError", "Violation"]
