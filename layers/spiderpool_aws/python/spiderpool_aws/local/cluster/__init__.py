"""A double of the Kubernetes API server with Spiderpool's resources, admission, controller and allocator.

`ClusterDouble.request` answers; `connect_in_process` and `serve_cluster` carry the real `kubernetes` package to it;
`SpiderpoolAgent` runs pods and gives them addresses. What a real server answered is in the tests' `contract/` data.
"""

from spiderpool_aws.local.cluster.agent import PodResult, SpiderpoolAgent
from spiderpool_aws.local.cluster.answers import Answer
from spiderpool_aws.local.cluster.controller import Delays
from spiderpool_aws.local.cluster.double import ClusterDouble, ClusterOptions
from spiderpool_aws.local.cluster.faults import ConnectionCutError, Fault, UnavailableError
from spiderpool_aws.local.cluster.in_process import connect_in_process
from spiderpool_aws.local.cluster.server import ClusterServer, serve_cluster
from spiderpool_aws.local.cluster.writes import ClusterWrite

__all__ = [
    "ClusterDouble", "ClusterOptions", "Delays", "ClusterWrite", "Answer",
    "connect_in_process", "serve_cluster", "ClusterServer",
    "SpiderpoolAgent", "PodResult",
    "Fault", "ConnectionCutError", "UnavailableError",
]  # fmt: skip
