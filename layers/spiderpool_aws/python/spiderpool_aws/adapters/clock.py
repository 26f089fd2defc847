"""The machine's clock."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Implements `Clock`, and pacing's `WaitingClock`."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        time.sleep(seconds)
