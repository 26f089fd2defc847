"""What a run of the machine did."""

from dataclasses import dataclass, field

from tests.simulation.simulation import Simulation


@dataclass
class Tally:
    """What a run of the machine did."""

    worlds: int = 0
    steps: int = 0
    writes: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    newest: Simulation | None = None
