"""Stopping on a signal: one sentence, and nothing left behind."""

import signal
from types import FrameType

# Windows knows no hangup.
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Stopped(BaseException):
    """Somebody asked the command to stop.

    ``signal``: by which signal; ``sentence``: what became of the work, set by whoever knows.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = signal.Signals(number)
        self.sentence = ""

    @property
    def words(self) -> str:
        """What is said."""
        how = "Ctrl-C" if self.signal == signal.SIGINT else self.signal.name
        return f"Stopped by {how}. {self.sentence or 'What was not finished was not written.'}"

    @property
    def exit_code(self) -> int:
        """The exit code by which shells tell a signal."""
        return 128 + self.signal


_requests: list[Stopped] = []


def requested() -> Stopped | None:
    """Who asked to stop, None as long as nobody has: DuckDB turns what a signal raises into an error of its own."""
    return _requests[0] if _requests else None


def stop_on_signals() -> None:
    """Have Ctrl-C, SIGTERM and SIGHUP raise Stopped, once: what follows must be able to tidy up."""

    def stop(number: int, _frame: FrameType | None) -> None:
        for one in SIGNALS:
            signal.signal(one, signal.SIG_IGN)
        _requests.append(Stopped(number))
        raise _requests[0]

    for number in SIGNALS:
        # What a caller has set to be ignored, as nohup does, stays ignored.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stop)


def leave_signals_to_the_parent() -> None:
    """In a process that only works for another: Ctrl-C reaches all processes of a terminal, and the parent decides."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in SIGNALS:
        if number != signal.SIGINT:
            signal.signal(number, signal.SIG_DFL)
