"""The invariants of the product (docs/architecture.md), judged on the EC2 model and the cluster double together.

Invariants 1-7 and 10 judge the system's own writes against the truth at the moment of the write: the checker listens
to both sides. What somebody else does may break the state; that the system mends it is 8, which `assert_idle` asks for.
"""

from spiderpool_aws.local.invariants.checker import InvariantChecker
from spiderpool_aws.local.invariants.violations import InvariantError, Violation

__all__ = ["InvariantChecker", "InvariantError", "Violation"]
