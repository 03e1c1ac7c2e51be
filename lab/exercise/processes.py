"""Programs that go on when the lab's command ends, known by their process id and start time.

An id alone could have been given to a stranger in the meantime; nothing but our own is ever signalled.
"""

import fcntl
import os
import signal
import time

from .places import RUN, WORK, Failed

PIDS = RUN / "pids"
LOG = RUN / "log"
PATIENCE = 5.0


class Alone:
    """Commands that change the exercise wait for each other; those that only use it do not."""

    def __enter__(self):
        WORK.mkdir(parents=True, exist_ok=True)
        self.file = (WORK / "lock").open("w")
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_):
        self.file.close()


def start(name, command, folder=RUN):
    """Starts a program that is nobody's child, unless it runs; its outputs go to `NAME.log`.

    Envoy asks the kernel to end it with its parent: so its parent must be process 1.
    """
    if running(name):
        return
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork() == 0:
            become(command, folder, LOG / f"{name}.log", write)
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    # the pipe closes by itself when the program has taken over
    with os.fdopen(read) as pipe:
        pid, _, trouble = pipe.read().partition(" ")
    if trouble:
        raise Failed(f"{command[0]} does not start: {trouble}")
    (PIDS / name).write_text(f"{pid} {started(int(pid))}")


def become(command, folder, log, pipe):
    """Turns this process into the program; never comes back."""
    try:
        os.write(pipe, str(os.getpid()).encode())
        os.chdir(folder)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), 1)
        os.dup2(1, 2)
        os.execvp(command[0], command)
    except OSError as error:
        os.write(pipe, f" {error}".encode())
    finally:
        os._exit(127)


def started(pid):
    """When a process started, in ticks since boot; None if it is gone, or only waits to be reaped."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def running(name):
    """The process id, or None."""
    try:
        pid, start_time = (PIDS / name).read_text().split()
    except (OSError, ValueError):
        return None
    return int(pid) if started(int(pid)) == start_time else None


def names():
    """All that were started and not stopped."""
    return sorted(path.name for path in PIDS.iterdir()) if PIDS.is_dir() else []


def stop(which, first=signal.SIGTERM):
    """Ends these, politely first, and waits until they are gone."""
    end({pid: started(pid) for pid in map(running, which) if pid}, first)
    for name in which:
        (PIDS / name).unlink(missing_ok=True)


def end(these, first=signal.SIGTERM):
    """The same by process ids, each with its start time."""

    def left():
        return [pid for pid, since in these.items() if since and started(pid) == since]

    for kind in (first, signal.SIGKILL):
        for pid in left():
            try:
                os.kill(pid, kind)
            except ProcessLookupError:
                pass
        limit = time.monotonic() + PATIENCE
        while left() and time.monotonic() < limit:
            time.sleep(0.02)
    if stubborn := left():
        raise Failed(f"these processes do not end: {stubborn}")
