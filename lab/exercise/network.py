"""The cables: a namespace for each host, one bridge for each datacenter, and a line between them."""

import subprocess

from .places import DATACENTERS, HOSTS, TAG, Failed, Unavailable

SWITCH = f"{TAG}-switch"
# as on Google's cloud, where interfaces are named ens4
MTU = 1460


def ip(*words, given=None):
    return subprocess.run(["ip", *words], input=given, capture_output=True, text=True)


def batch(namespace, lines, trouble=Failed):
    """Several `ip` commands inside a namespace."""
    done = ip("-n", namespace, "-batch", "-", given="\n".join(lines) + "\n")
    if done.returncode:
        raise trouble(f"bridges and virtual cables: ip says: {done.stderr.strip()}")


def create(namespace):
    done = ip("netns", "add", namespace)
    if done.returncode:
        raise Unavailable(f"network namespaces: {done.stderr.strip()}")


def up():
    create(SWITCH)
    line = ["link add dc1-dc2 type veth peer name dc2-dc1"]
    for dc, end in zip(DATACENTERS, ("dc1-dc2", "dc2-dc1")):
        line += [f"link add {dc} type bridge", f"link set {dc} mtu {MTU} up"]
        line += [f"link set {end} master {dc} mtu {MTU} up"]
    # a kernel may lack these kinds of links
    batch(SWITCH, line, Unavailable)
    for host in HOSTS.values():
        create(host.namespace)
        batch(
            SWITCH,
            [
                f"link add {host.name} type veth peer name ens4 netns {host.namespace}",
                f"link set {host.name} master {host.dc} mtu {MTU} up",
            ],
        )
        batch(
            host.namespace,
            ["link set lo up", f"link set ens4 mtu {MTU} up", f"address add {host.address}/16 dev ens4"],
        )


def ours():
    """The namespaces of this lab that there are."""
    listed = (line.split()[0] for line in ip("netns", "list").stdout.splitlines() if line.strip())
    return [name for name in listed if name.startswith(f"{TAG}-")]


def inhabitants():
    """The ids of all processes in these namespaces; each came here through this lab."""
    return [int(pid) for namespace in ours() for pid in ip("netns", "pids", namespace).stdout.split()]


def down():
    for namespace in ours():
        ip("netns", "delete", namespace)
