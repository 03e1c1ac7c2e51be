"""What each Envoy is told: sidecars that speak mutual TLS, gateways that route by server name and see nothing else.

Names of clusters, chains of filters and their order are those that Consul gives its proxies.
"""

import http.client
import socket

from . import certificates
from .places import (
    CURRENCY,
    DATACENTERS,
    GATEWAY_PORT,
    RUN,
    SERVERS,
    SERVICE_PORT,
    SIDECAR_PORT,
    UPSTREAMS,
    datacenter_name,
    gateway,
    server_name,
    spiffe,
    write_whole,
)

API = "type.googleapis.com/envoy."
FILTERS = API + "extensions.filters.network."
TLS = API + "extensions.transport_sockets.tls.v3."
LOG_LINE = {
    "ts": "%START_TIME(%s.%6f)%",
    "sni": "%REQUESTED_SERVER_NAME%",
    "client": "%DOWNSTREAM_REMOTE_ADDRESS%",
    "out": "%UPSTREAM_LOCAL_ADDRESS%",
    "server": "%UPSTREAM_HOST%",
    "flags": "%RESPONSE_FLAGS%",
}
# where the control plane says who serves currency in dc1
ENDPOINTS = RUN / "currency-dc1.json"
CURRENCY_NAME = server_name("currency", "dc1")


def socket_address(address, port):
    return {"socket_address": {"address": address, "port_value": port}}


def assignment(name, places):
    endpoints = [{"endpoint": {"address": socket_address(*place)}} for place in places]
    return {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}] if endpoints else []}


def cluster(name, *places, **more):
    fixed = {"type": "STATIC", "load_assignment": assignment(name, places)} if places else {}
    return {"name": name, "connect_timeout": "5s", **fixed, **more}


def proxy(name, log=None):
    """Passes bytes on to a cluster; an empty name leaves the choice to the filter before."""
    config = {"@type": FILTERS + "tcp_proxy.v3.TcpProxy", "stat_prefix": "tcp", "cluster": name}
    if log:
        kind = API + "extensions.access_loggers.file.v3.FileAccessLog"
        file = {"@type": kind, "path": str(log), "log_format": {"json_format": LOG_LINE}}
        config["access_log"] = [{"name": "file", "typed_config": file}]
    return {"name": "envoy.filters.network.tcp_proxy", "typed_config": config}


def listener(name, address, port, *chains, **more):
    return {"name": name, "address": socket_address(address, port), "filter_chains": chains, **more}


def tls(host, kind, peer=None, **more):
    """This host's side of mutual TLS; `peer` is the only identity that it takes for an answer."""
    chain, key = certificates.paths(host)
    trusted = {"trusted_ca": {"filename": str(certificates.FOLDER / "ca.pem")}}
    if peer:
        trusted["match_typed_subject_alt_names"] = [{"san_type": "URI", "matcher": {"exact": peer}}]
    own = {"certificate_chain": {"filename": str(chain)}, "private_key": {"filename": str(key)}}
    common = {"tls_certificates": [own], "validation_context": trusted}
    config = {"@type": TLS + kind, "common_tls_context": common, **more}
    return {"name": "envoy.transport_sockets.tls", "typed_config": config}


def target(host, service, dc, name, *places, **more):
    """A service in a datacenter, as its caller reaches it."""
    peer, sni = spiffe(service, dc), server_name(service, dc)
    secured = tls(host, "UpstreamTlsContext", peer, sni=sni)
    # no healthy place means none: not the unhealthy ones
    panic = {"common_lb_config": {"healthy_panic_threshold": {}}}
    return cluster(name, *places, transport_socket=secured, **panic, **more)


def caller(host):
    """Listeners and clusters for what payments calls: currency here, else in dc2; shipping only in dc2.

    What is in another datacenter is reached through this one's gateway: mesh gateways in local mode.
    """
    through = (gateway(host.dc).address, GATEWAY_PORT)
    source = {"resource_api_version": "V3", "path_config_source": {"path": str(ENDPOINTS)}}
    watched = {"type": "EDS", "eds_cluster_config": {"eds_config": source}}
    here, there = (f"failover-target~{server_name('currency', dc)}" for dc in DATACENTERS)
    either = {"@type": API + "extensions.clusters.aggregate.v3.ClusterConfig", "clusters": [here, there]}
    kind = {"name": "envoy.clusters.aggregate", "typed_config": either}
    clusters = [
        target(host, "currency", "dc1", here, **watched),
        target(host, "currency", "dc2", there, through),
        cluster(CURRENCY_NAME, cluster_type=kind, lb_policy="CLUSTER_PROVIDED"),
        target(host, "shipping", "dc2", server_name("shipping", "dc2"), through),
    ]
    names = {"currency": CURRENCY_NAME, "shipping": server_name("shipping", "dc2")}
    listeners = [
        listener(service, "127.0.0.1", port, {"filters": [proxy(names[service])]})
        for service, port in UPSTREAMS.items()
    ]
    return listeners, clusters


def server(host):
    """The listener that takes calls from the mesh, and the service behind it."""
    secured = tls(host, "DownstreamTlsContext", require_client_certificate=True)
    chain = {"filters": [proxy("local_app")], "transport_socket": secured}
    public = listener("public_listener", host.address, SIDECAR_PORT, chain)
    return [public], [cluster("local_app", ("127.0.0.1", SERVICE_PORT))]


def mesh_gateway(host):
    """Names of other datacenters go to their gateways; any other name has to be that of a cluster."""
    log = RUN / "log" / f"{host.name}.access.jsonl"
    chains, clusters = [], []
    for dc in DATACENTERS:
        if dc != host.dc:
            name = datacenter_name(dc)
            clusters.append(cluster(name, (gateway(dc).address, GATEWAY_PORT)))
            match = {"server_names": [f"*.{name}"]}
            chains.append({"filter_chain_match": match, "filters": [proxy(name, log)]})
    for neighbour in SERVERS:
        if neighbour.dc == host.dc:
            clusters.append(
                cluster(server_name(neighbour.role, host.dc), (neighbour.address, SIDECAR_PORT))
            )
    by_name = {"@type": FILTERS + "sni_cluster.v3.SniCluster"}
    sni_cluster = {"name": "envoy.filters.network.sni_cluster", "typed_config": by_name}
    chains.append({"filters": [sni_cluster, proxy("", log)]})
    inspector = {"@type": API + "extensions.filters.listener.tls_inspector.v3.TlsInspector"}
    look = [{"name": "envoy.filters.listener.tls_inspector", "typed_config": inspector}]
    return [listener("default", host.address, GATEWAY_PORT, *chains, listener_filters=look)], clusters


def config(host):
    """The whole of what this host's Envoy reads when it starts."""
    part = {"gateway": mesh_gateway, "payments": caller}.get(host.role, server)
    listeners, clusters = part(host)
    return {
        "node": {"id": host.name, "cluster": host.role},
        # relative, for a socket's path may not be long
        "admin": {"address": {"pipe": {"path": f"{host.name}.sock"}}},
        "static_resources": {"listeners": listeners, "clusters": clusters},
    }


def command(envoy, host):
    """Writes the configuration; the command line of the Envoy that reads it."""
    path = RUN / f"{host.name}.json"
    write_whole(path, config(host))
    few = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]
    return host.inside(envoy, "-c", path, *few, "--file-flush-interval-msec", "200")


def say_who_serves(present):
    """The control plane in one file: payments' sidecar takes it up as soon as it changes."""
    name = f"failover-target~{CURRENCY_NAME}"
    places = [(CURRENCY.address, SIDECAR_PORT)] if present else []
    kind = {"@type": API + "config.endpoint.v3.ClusterLoadAssignment"}
    write_whole(ENDPOINTS, {"resources": [{**kind, **assignment(name, places)}]})


class Admin(http.client.HTTPConnection):
    """Envoy's door for the operator, a socket in the lab's folder, which is the current one."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.host)


def ask(host, path):
    """What the host's Envoy answers; empty where it does not."""
    try:
        admin = Admin(f"{host.name}.sock", timeout=2)
        admin.request("GET", path, headers={"Host": "envoy"})
        answer = admin.getresponse()
        return answer.read().decode() if answer.status == 200 else ""
    except (OSError, http.client.HTTPException):
        return ""


def open_calls(host):
    """How many calls from the mesh a service's Envoy has open."""
    wanted = f"listener.{host.address}_{SIDECAR_PORT}.downstream_cx_active: "
    lines = ask(host, "/stats?filter=downstream_cx_active").splitlines()
    return sum(int(line.removeprefix(wanted)) for line in lines if line.startswith(wanted))
