import contextlib
import os
import signal

import pytest

from machmeter.gate.interrupts import noticed


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    signal.sigtimedwait([], 0)  # the handler runs before this returns


def test_an_interruption_that_was_swallowed_is_noticed() -> None:
    """As where it falls into a hook of fork: the next check raises it again."""
    with noticed() as check:
        check()
        with contextlib.suppress(KeyboardInterrupt):
            interrupt()
        with pytest.raises(KeyboardInterrupt):
            check()


def test_an_interruption_still_interrupts_at_once() -> None:
    """Nothing waits for the next check, and the handler is put back."""
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), noticed():
        interrupt()
    assert signal.getsignal(signal.SIGINT) is before


def test_who_ignores_the_signal_goes_on_ignoring_it() -> None:
    """A shell's background jobs do."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with noticed() as check:
            interrupt()
            check()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
