"""dbt in a process that ends with the process that started it: ``python -m city_policy.running.child LOCK ARGUMENTS``.

The process holds a lock of its own, so that a build whose parent was killed counts as running until it has ended.
"""

import os
import signal
import sys
import threading

from filelock import FileLock, Timeout

LOCK_IS_HELD = 75


def end_with_parent() -> None:
    """End this process and what it started as soon as its parent ends.

    The parent holds the other end of standard input and writes nothing: when it ends, however it does, reading ends.
    """

    def wait() -> None:
        while os.read(0, 1024):
            pass
        if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
            os.killpg(os.getpid(), signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    """Take the lock, then be dbt."""
    end_with_parent()
    lock = FileLock(sys.argv[1])
    try:
        lock.acquire(blocking=False)
    except Timeout:
        sys.exit(LOCK_IS_HELD)
    from dbt.cli.main import cli

    sys.argv = ["dbt", *sys.argv[2:]]
    cli()


if __name__ == "__main__":
    main()
