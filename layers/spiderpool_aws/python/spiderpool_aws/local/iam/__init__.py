"""IAM for the local stack: the roles' real policies, judged with their conditions.

A template's statements (`template`), what each call asks (`ec2_requests`, `service_requests`), the decision
(`policies`, `conditions`), and the guard that stands before the in-process services (`guard`). Whatever is not modelled
(an action, an operator, a key, an element, an intrinsic function) raises `UnknownToIamError`: it never passes.
Only identity policies: no resource policy, boundary, service control policy or session policy.
"""

from spiderpool_aws.local.iam.errors import UnknownToIamError
from spiderpool_aws.local.iam.guard import Caller, Guard, Policies
from spiderpool_aws.local.iam.policies import Refusal, Statement, judge, parse_policy_document
from spiderpool_aws.local.iam.requests import Request, Target
from spiderpool_aws.local.iam.template import Deployed, roles_of

__all__ = [
    "Caller",
    "Deployed",
    "Guard",
    "Policies",
    "Refusal",
    "Request",
    "Statement",
    "Target",
    "UnknownToIamError",
    "judge",
    "parse_policy_document",
    "roles_of",
]
