"""Brings the exercise up and down, and takes currency away in dc1 and back."""

import os
import shutil
import sys
import time
from pathlib import Path

from . import certificates, envoy, needs, network, processes, watch
from .places import (
    CAPTURES,
    CURRENCY,
    HOSTS,
    PAYMENTS,
    RUN,
    SERVERS,
    SERVICE_PORT,
    UPSTREAMS,
    WORK,
    Failed,
    note,
    wait_for,
)

SERVICE = Path(__file__).with_name("service.py")
CALLS = CAPTURES / "currency.jsonl"
# shipping is only in dc2: its calls cross the gateways all the time, and are no failover
SHIPPING_RATE = 1
SHIPPING_SECONDS = 3600
GONE = RUN / "gone"


def start_envoy(program, host):
    processes.start(f"envoy-{host.name}", envoy.command(program, host))


def start_service(host):
    words = [sys.executable, "-B", SERVICE, "serve", host.role, host.dc, SERVICE_PORT]
    processes.start(f"service-{host.name}", host.inside(*words))


def programs_of(host):
    return [f"service-{host.name}", f"envoy-{host.name}"]


def wait_ready(hosts):
    for host in hosts:
        wait_for(f"Envoy on {host.name}", lambda: "LIVE" in envoy.ask(host, "/ready"))


def expected():
    """The names of what runs while the exercise is up."""
    names = {f"envoy-{name}" for name in HOSTS} | {f"service-{host.name}" for host in SERVERS}
    names |= {"calls-shipping", "watch-dc1", "watch-dc2"}
    return names - set(programs_of(CURRENCY)) if GONE.exists() else names


def is_up():
    names = expected() - {"calls-shipping"}
    return all(map(processes.running, names)) and len(network.ours()) == len(HOSTS) + 1


def call(service, rate, seconds, log):
    """The command line by which payments calls a service."""
    words = [sys.executable, "-B", SERVICE, "call", service, UPSTREAMS[service], rate, seconds, log]
    return PAYMENTS.inside(*words)


def up():
    if is_up():
        os.chdir(RUN)
        call_shipping()
        print("The exercise is up already.")
        return
    needs.programs("ip", "openssl")
    program, watcher = needs.envoy(), needs.sni_watch()
    down(quiet=True)
    for folder in (CAPTURES, RUN):
        shutil.rmtree(folder, ignore_errors=True)
    for folder in (processes.PIDS, processes.LOG, CAPTURES):
        folder.mkdir(parents=True)
    os.chdir(RUN)
    began = time.monotonic()
    network.up()
    certificates.up()
    envoy.say_who_serves(True)
    for host in SERVERS:
        start_service(host)
    for host in HOSTS.values():
        start_envoy(program, host)
    wait_ready(HOSTS.values())
    for service, dc in (("currency", "dc1"), ("shipping", "dc2")):
        try_out(service, dc)
    # whoever begins to watch while shipping is called sees it from the first moment on
    call_shipping()
    watch.start(watcher)
    note("up")
    print(f"The exercise is up, in {time.monotonic() - began:.0f} s: 6 hosts in network namespaces, an Envoy on each;")
    print("payments in dc1 calls currency in dc1 and shipping in dc2; sni-watch is on ens4 of both gateways.")


def call_shipping():
    """Calls that go on by themselves, unless they do already."""
    log = CAPTURES / "shipping.jsonl"
    processes.start("calls-shipping", call("shipping", SHIPPING_RATE, SHIPPING_SECONDS, log))
    wait_for("calls of shipping", log.exists)


def try_out(service, dc):
    """One call has to be answered by this datacenter."""
    log = RUN / "first-calls.jsonl"

    def answered():
        processes.start("first-call", call(service, 1, 0.5, log))
        wait_for("first call", lambda: not processes.running("first-call"))
        calls = watch.answers(log, 0)
        return calls and (calls[-1]["service"], calls[-1]["dc"]) == (service, dc)

    wait_for(f"answer from {service} in {dc}", answered)


def down(quiet=False):
    """Ends what was started here, removes what was made here; captures and logs stay until the next `up`."""
    if RUN.exists():
        os.chdir(WORK)
    counts = watch.stop()
    processes.stop(processes.names())
    # those that `exec` and the demo started; and all of them, where somebody has removed our files
    processes.end({pid: processes.started(pid) for pid in network.inhabitants()})
    network.down()
    for left in RUN.glob("*"):
        if left != processes.LOG:
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    if quiet:
        return
    for dc, text in counts.items():
        print(f"== sni-watch on the gateway of {dc} ended:\n{text.strip()}")
    print(f"The exercise is down. Its captures are in {CAPTURES}." if counts else "The exercise is down.")


def must_be_up():
    if not is_up():
        raise Failed("the exercise is not up: `lab/failover up` first")
    os.chdir(RUN)


def fail():
    """The catalog loses currency in dc1, then its processes end: as when its pod is deleted."""
    must_be_up()
    if GONE.exists() and not any(map(processes.running, programs_of(CURRENCY))):
        print("currency is gone from dc1 already.")
        return
    GONE.touch()
    note("fail")
    envoy.say_who_serves(False)
    wait_for("change at payments' sidecar", lambda: not serves_here())
    wait_for("end of the calls that are open", lambda: not envoy.open_calls(CURRENCY))
    processes.stop(programs_of(CURRENCY))
    print("currency is gone from dc1. Calls go through the gateways to dc2 from now on.")


def heal():
    must_be_up()
    if not GONE.exists():
        print("currency is in dc1 already.")
        return
    start_service(CURRENCY)
    start_envoy(needs.envoy(), CURRENCY)
    wait_ready([CURRENCY])
    envoy.say_who_serves(True)
    wait_for("change at payments' sidecar", serves_here)
    GONE.unlink()
    note("heal")
    print("currency is back in dc1. The gateways see nothing of its calls from now on.")


def serves_here():
    """Whether payments' sidecar knows of currency in dc1."""
    return f"::{CURRENCY.address}:" in envoy.ask(PAYMENTS, "/clusters")


def run(seconds, rate):
    """Sends calls, and prints what sni-watch said of them on both gateways."""
    must_be_up()
    if processes.running("calls-currency"):
        raise Failed("payments is calling currency already: a run is going on")
    watcher = needs.sni_watch()
    said = {dc: watch.Said(dc) for dc in ("dc1", "dc2")}
    begin = time.time()
    try:
        processes.start("calls-currency", call("currency", rate, seconds, CALLS))
        wait_for("end of the calls", lambda: not processes.running("calls-currency"), seconds + 20)
    finally:
        processes.stop(["calls-currency"])
    calls = watch.answers(CALLS, begin)
    watch.tell(calls, seconds)
    crossed = sum(call["dc"] == "dc2" for call in calls)
    for dc, client in (("dc1", PAYMENTS.address), ("dc2", HOSTS["dc1-gateway"].address)):
        watch.seen(said[dc], dc, "currency", client, crossed)
        said[dc].show("currency")
    watch.correlate(watcher, said, "currency")
