"""What the resync measures of the whole cluster: nodes that wait, and the addresses that each subnet has free."""

from datetime import datetime, timedelta

from spiderpool_aws.domain.errors import RetryLater
from spiderpool_aws.metrics import Metric
from spiderpool_aws.ports import Clock, Ec2Reads, Reporter
from spiderpool_aws.survey import Survey

EVERY = timedelta(minutes=1)
"""A person may resync as often as they like: CloudWatch keeps a figure a minute."""


class Gauges:
    """Measures after a listing of the whole cluster, at most once a minute in a process. What fails costs a figure."""

    def __init__(self, ec2: Ec2Reads, clock: Clock, reporter: Reporter) -> None:
        self._ec2 = ec2
        self._clock = clock
        self._reporter = reporter
        self._measured_at: datetime | None = None

    def measure(self, survey: Survey) -> None:
        """Write down how it is; subnets that were counted for the plans are not read again."""
        now = self._clock.now()
        if self._measured_at is not None and now - self._measured_at < EVERY:
            return
        self._measured_at = now
        waiting = sum(plan.incomplete or bool(plan.waits) for plan in survey.plans.values() if not plan.gone)
        self._reporter.measure(Metric.NODES_WAITING, waiting)
        for subnet_id, free in self._free(survey).items():
            self._reporter.measure(Metric.SUBNET_ADDRESSES_FREE, free, of=subnet_id)

    def _free(self, survey: Survey) -> dict[str, int]:
        instances = [model.instance for model in survey.models.values() if model.instance is not None]
        used = {eni.subnet_id for instance in instances for eni in instance.enis if eni.subnet_id}
        known = {
            subnet.subnet_id: subnet.available_ipv4
            for model in survey.models.values()
            for subnet in model.subnets.values()
            if subnet.subnet_id in used and subnet.available_ipv4 is not None
        }
        missing = sorted(used - known.keys())
        try:
            read = self._ec2.subnets(missing, fresh=True) if missing else {}
        except RetryLater as later:
            self._reporter.warning(f"the free addresses of the subnets are not measured: {later.reason}")
            read = {}
        return dict(sorted({**known, **{s.subnet_id: s.available_ipv4 or 0 for s in read.values()}}.items()))
