"""sni-watch on both gateways, and what it said."""

import json
import os
import signal
import subprocess

from . import processes
from .places import CAPTURES, DATACENTERS, GATEWAY_PORT, SIDECAR_PORT, Failed, gateway, wait_for

# a gateway passes calls on to sidecars on this port; who watches 443 alone does not see that leg
FILTER = f"port {GATEWAY_PORT} or port {SIDECAR_PORT}"
# connections of each kind that `run` prints
SHOWN = 6


def command(program, dc, *more):
    """The command line of a watch on the gateway's ens4."""
    return gateway(dc).inside(program, "-i", "ens4", FILTER, "--local-dc", dc, "--node", dc, *more)


def start(program):
    """A watch on each gateway, which goes on until `down`: lines, records, and packets too."""
    for dc in DATACENTERS:
        outputs = ["-o", f"line:{dc}.txt", "-o", f"json:{dc}.jsonl", "--emit", "failover", "-w", f"{dc}.pcapng"]
        processes.start(f"watch-{dc}", command(program, dc, *outputs), CAPTURES)
    for dc in DATACENTERS:
        wait_for(f"sni-watch on the gateway of {dc}", lambda: "ens4" in complaints(dc))


def complaints(dc):
    """What sni-watch says beside its records, and its counts at the end."""
    try:
        return (processes.LOG / f"watch-{dc}.log").read_text()
    except OSError:
        return ""


def stop():
    """Ends those that run, as Ctrl-C does; their counts."""
    watches = [name for name in processes.names() if name.startswith("watch-") and processes.running(name)]
    processes.stop(watches, signal.SIGINT)
    return {name.removeprefix("watch-"): complaints(name.removeprefix("watch-")) for name in watches}


class Said:
    """What sni-watch has written about one gateway since this was made."""

    def __init__(self, dc):
        self.dc = dc
        self.files = {kind: CAPTURES / f"{dc}.{kind}" for kind in ("txt", "jsonl")}
        self.begin = {kind: os.path.getsize(path) for kind, path in self.files.items()}

    def read(self, kind):
        with self.files[kind].open("rb") as file:
            file.seek(self.begin[kind])
            # a line that is being written is left for the next time
            whole, _, _ = file.read().rpartition(b"\n")
        return whole.decode().splitlines()

    def handshakes(self, service, client):
        """Handshakes for a service that this client began at the gateway."""
        records = map(json.loads, self.read("jsonl"))
        return [
            record
            for record in records
            if record["event"]["action"] == "tls_handshake"
            and record.get("mesh", {}).get("service") == service
            and (record["source"]["ip"], record["destination"]["port"]) == (client, GATEWAY_PORT)
        ]

    def show(self, service):
        """All banners, and the first lines: more of them for the service than for others."""
        print(f"\n== gateway of {self.dc}: sni-watch -i ens4 '{FILTER}' --local-dc {self.dc}")
        lines = self.read("txt")
        left = {True: SHOWN, False: 1}
        shown, whole = 0, False
        for line in lines:
            banner = line.startswith("──")
            # a leg out stands below its connection, and goes with it
            if not banner and "└" not in line:
                ours = f" {service} " in line
                left[ours] -= 1
                whole = left[ours] >= 0
            if banner or whole:
                print(line)
                shown += 1
        if shown < len(lines):
            print(f"   … and {len(lines) - shown} lines more, in {self.files['txt']}")
        if not lines:
            print("   (silent)")


def seen(said, dc, service, client, expected):
    """Waits until the gateway's watch has told as many handshakes as there were calls."""
    try:
        wait_for("records", lambda: len(said.handshakes(service, client)) >= expected, seconds=5)
    except Failed:
        told = len(said.handshakes(service, client))
        raise Failed(f"{expected} calls went through the gateway of {dc}; sni-watch told {told}") from None


def correlate(program, said, service):
    """Follows the connections of a run over both gateways."""
    for dc, of in said.items():
        (CAPTURES / f"run-{dc}.jsonl").write_text("".join(f"{line}\n" for line in of.read("jsonl")))
    words = ["correlate", *(f"{dc}=run-{dc}.jsonl" for dc in said)]
    done = subprocess.run([program, *words], cwd=CAPTURES, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise Failed(f"sni-watch correlate: {done.stderr.strip()}")
    print(f"\n== sni-watch {' '.join(words)}   (in {CAPTURES})")
    paths, _, totals = done.stdout.partition("\n\n")
    heads, lines = paths.splitlines()[:2], paths.splitlines()[2:]
    lines.sort(key=lambda line: service not in line)
    print("\n".join(heads + lines[:SHOWN]))
    if len(lines) > SHOWN:
        print(f"   … and {len(lines) - SHOWN} connections more")
    print(f"\n{totals}", end="", flush=True)


def answers(log, begin):
    """The calls of payments since `begin`, from their log."""
    calls = map(json.loads, log.read_text().splitlines())
    return [call for call in calls if call["ts"] >= begin]


def tell(calls, seconds):
    """One line for what the caller saw."""
    count = {}
    for call in calls:
        who = f"by {call['dc']}" if call["dc"] else f"not at all ({call['error']})"
        count[who] = count.get(who, 0) + 1
    parts = ", ".join(f"{number} answered {who}" for who, number in sorted(count.items()))
    times = "once" if len(calls) == 1 else f"{len(calls)} times"
    print(f"payments called currency {times} in {seconds} s: {parts}", flush=True)
