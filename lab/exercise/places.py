"""Who is where: datacenters, hosts, addresses, ports, names and folders."""

import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

LAB = Path(__file__).resolve().parent.parent
# what was fetched once stays here
TOOLS = LAB / "work" / "tools"
# all that one lab writes; tests have a folder of their own
WORK = Path(os.environ.get("SNI_WATCH_LAB") or LAB / "work").resolve()
RUN = WORK / "run"
CAPTURES = WORK / "captures"
# in the names of namespaces: two checkouts do not meet
TAG = "lab" + hashlib.sha256(str(WORK).encode()).hexdigest()[:5]

DATACENTERS = ("dc1", "dc2")
TRUST_DOMAIN = "7be1d3c2-52f5-4f0e-8d2c-6a1b0e94c1f7.consul"

GATEWAY_PORT = 443
SIDECAR_PORT = 20000
SERVICE_PORT = 9090
# where payments finds its neighbours, on the loopback of its host
UPSTREAMS = {"currency": 9180, "shipping": 9181}


class Unavailable(Exception):
    """Something that the lab needs cannot be had on this machine."""


class Failed(Exception):
    """It should have worked."""


@dataclass(frozen=True)
class Host:
    """A machine of the exercise: one network namespace, one interface, named ens4."""

    dc: str
    role: str
    address: str

    @property
    def name(self):
        return f"{self.dc}-{self.role}"

    @property
    def namespace(self):
        return f"{TAG}-{self.name}"

    def inside(self, *command):
        """The command line that runs `command` on this host."""
        return ["ip", "netns", "exec", self.namespace, *map(str, command)]


HOSTS = {
    host.name: host
    for host in (
        Host("dc1", "gateway", "10.61.1.20"),
        Host("dc1", "payments", "10.61.1.31"),
        Host("dc1", "currency", "10.61.1.32"),
        Host("dc2", "gateway", "10.61.2.20"),
        Host("dc2", "currency", "10.61.2.32"),
        Host("dc2", "shipping", "10.61.2.33"),
    )
}
PAYMENTS = HOSTS["dc1-payments"]
# the one that goes away
CURRENCY = HOSTS["dc1-currency"]
# payments only calls
SERVERS = [host for host in HOSTS.values() if host.role in UPSTREAMS]
SIDECARS = [host for host in HOSTS.values() if host.role != "gateway"]


def gateway(dc):
    return HOSTS[f"{dc}-gateway"]


def datacenter_name(dc):
    """What all server names of a datacenter end in."""
    return f"{dc}.internal.{TRUST_DOMAIN}"


def server_name(service, dc):
    return f"{service}.default.{datacenter_name(dc)}"


def spiffe(service, dc):
    """The identity in the service's certificate."""
    return f"spiffe://{TRUST_DOMAIN}/ns/default/dc/{dc}/svc/{service}"


def wait_for(what, probe, seconds=20):
    """Waits until `probe` gives something, and gives it back."""
    end = time.monotonic() + seconds
    while not (found := probe()):
        if time.monotonic() > end:
            raise Failed(f"no {what} within {seconds} s; the logs are in {RUN / 'log'}")
        time.sleep(0.05)
    return found


def write_whole(path, value):
    """Writes JSON in one step: who reads or watches the file sees all of it or nothing."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value, indent=1))
    part.replace(path)


def note(event):
    """Remembers when something was done, beside the captures."""
    with (CAPTURES / "events.jsonl").open("a") as events:
        events.write(json.dumps({"ts": time.time(), "event": event}) + "\n")
