"""Two terminals side by side, each on a gateway, and below them what happens: in tmux."""

import os
import shlex
import subprocess
import sys
import time

from . import mesh, needs, processes, watch
from .places import DATACENTERS, LAB, RUN, Failed, note
from .processes import Alone

# seconds of: all is well, currency is gone from dc1, it is back (sni-watch tells silence after 17 s at the earliest)
ACTS = (8, 12, 24)
# a call a second: the banners stay on the screen for a while
RATE = 1
SIZE = ("200", "50")
# beside the lab's other files; relative, for a socket's path may not be long
TMUX = ["tmux", "-f", "/dev/null", "-S", "tmux.sock"]
# the panes of the gateways, above that of the story
WATCHES = ("failover:0.0", "failover:0.1")


def tmux(*words):
    done = subprocess.run([*TMUX, *words], cwd=RUN, capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"tmux: {done.stderr.strip()}")
    return done.stdout.strip()


def stays(words, *, title):
    """A pane's command, whose end, and Ctrl-C too, leaves its last words on the screen."""
    # lines that are too long end at the pane's edge
    return f"trap : INT; printf '\\033[?7l%s\\n' {shlex.quote(title)}; {shlex.join(map(str, words))}; exec sleep 3600"


def start():
    needs.programs("tmux")
    mesh.up()
    os.chdir(RUN)
    stop()
    if mesh.GONE.exists():
        mesh.heal()
    program = needs.sni_watch()
    panes = {}
    for dc in DATACENTERS:
        title = f"gateway of {dc}$ sni-watch -i ens4 {watch.FILTER} --local-dc {dc}"
        panes[dc] = stays(watch.command(program, dc), title=title)
    tell = [sys.executable, "-B", LAB / "failover", "story"]
    tmux("new-session", "-d", "-s", "failover", "-x", SIZE[0], "-y", SIZE[1], panes["dc1"])
    tmux("split-window", "-v", "-l", "14", "-t", "failover:0.0", stays(tell, title="lab/failover"))
    tmux("split-window", "-h", "-t", "failover:0.0", panes["dc2"])
    tmux("set-option", "-g", "status-right", "the exercise: dc1 | dc2")
    print(f"The demo runs. To look at it: cd {RUN} && {shlex.join(TMUX)} attach-session", flush=True)


def attach():
    # also from within a tmux of the user's
    os.environ.pop("TMUX", None)
    os.execvp(TMUX[0], [*TMUX, "attach-session"])


def stop():
    """Ends the demo's tmux, if there is one."""
    if not (RUN / "tmux.sock").exists():
        return
    # sni-watch takes the end of its terminal for a wish to open its files anew; Ctrl-C ends it
    for pane in WATCHES:
        subprocess.run([*TMUX, "send-keys", "-t", pane, "C-c"], cwd=RUN, capture_output=True)
    subprocess.run([*TMUX, "kill-server"], cwd=RUN, capture_output=True)
    (RUN / "tmux.sock").unlink(missing_ok=True)


def story():
    """The pane below: tells and does what happens."""
    mesh.must_be_up()
    well, gone, back = ACTS
    # of a story that was broken off
    processes.stop(["calls-currency"])
    words = mesh.call("currency", RATE, sum(ACTS), mesh.CALLS)
    began = time.time()
    processes.start("calls-currency", words)
    say("payments calls currency every second: in dc1, past the gateways. Only shipping goes to dc2.")
    time.sleep(well)
    say("Now currency is taken away from dc1: watch the gateways.")
    with Alone():
        mesh.fail()
    time.sleep(gone)
    say("Now it comes back. Both gateways see no more of it; when that is no accident, sni-watch says so.")
    with Alone():
        mesh.heal()
    time.sleep(back)
    processes.stop(["calls-currency"])
    note("end of the story")
    watch.tell(watch.answers(mesh.CALLS, began), sum(ACTS))
    say("This is the end. Enter closes all three.")
    if sys.stdin.isatty():
        sys.stdin.readline()
        stop()


def say(line):
    print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)
