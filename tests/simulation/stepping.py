"""Functions that take turns, deterministically: each has a thread of its own, and only one of all runs at a time.

A thread gives the baton back where it pauses: before each of its calls to EC2 or to the cluster, or until a virtual
clock has reached a moment. Whoever steps it decides who goes on.
"""

import threading
from collections.abc import Callable
from typing import ClassVar


class Stepped:
    """Runs a function up to its next pause, at each `step`."""

    _here: ClassVar[threading.local] = threading.local()

    def __init__(self, name: str, run: Callable[[], object]) -> None:
        self.name = name
        self.done = False
        self._run = run
        self._error: BaseException | None = None
        # Locks as batons: whoever may go on finds his released.
        self._go, self._stopped = threading.Lock(), threading.Lock()
        self._go.acquire()
        self._stopped.acquire()
        threading.Thread(target=self._main, name=name, daemon=True).start()

    @classmethod
    def current(cls) -> "Stepped | None":
        """Return what runs in this thread; None in the main one."""
        return getattr(cls._here, "stepped", None)

    def step(self) -> None:
        """Let it run to its next pause, or to its end; raises what it raised."""
        if self.done:
            return
        self._go.release()
        self._stopped.acquire()
        if self._error is not None:
            raise self._error

    def finish(self) -> None:
        """Let it run to its end."""
        while not self.done:
            self.step()

    def pause(self) -> None:
        """Called inside: give the baton back, and wait until it comes again."""
        self._stopped.release()
        self._go.acquire()

    def _main(self) -> None:
        self._go.acquire()
        self._here.stepped = self
        try:
            self._run()
        except BaseException as error:  # noqa: BLE001 - it is raised in the thread that steps
            self._error = error
        finally:
            self.done = True
            self._stopped.release()
