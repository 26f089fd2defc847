"""What a line of the log is about. Below everything: whoever reports says it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class About:
    """What a line of the log is about: every line has these fields, empty where there is no such thing."""

    instance: str = ""
    eni: str = ""
    node: str = ""
    correlation_id: str = ""
    """The event's or the invocation's id: the same from the router on through every pass over a node."""

    def with_known(self, other: "About") -> "About":
        """Return it with what the other one says, too; where both say something, the other one is right."""
        return About(
            other.instance or self.instance,
            other.eni or self.eni,
            other.node or self.node,
            other.correlation_id or self.correlation_id,
        )
