"""What the demo counts in each of its steps."""

from collections import Counter

from spiderpool_aws.local.stack import LocalStack


class Tally:
    """Counts what the product asks of EC2 and of the cluster."""

    def __init__(self, stack: LocalStack) -> None:
        self.events: Counter[str] = Counter()
        self.ec2: Counter[str] = Counter()
        self._stack = stack
        roles = set(stack.role_arns)
        stack.model.observe(lambda call: self.ec2.update([call.operation] if call.caller in roles else []))

    def cluster(self) -> Counter[str]:
        """Return the requests to the API server by verb and resource; the agent's and the kubelets' go another way."""
        return Counter(f"{verb} {resource}" for verb, resource, _ in self._stack.cluster.requests)

    def clear(self) -> None:
        """Begin a step."""
        self.events.clear()
        self.ec2.clear()
        self._stack.cluster.requests.clear()
