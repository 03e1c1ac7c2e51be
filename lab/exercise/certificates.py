"""One authority and a certificate for each service, made by openssl, with the names that Consul gives them."""

import subprocess

from .places import RUN, SIDECARS, TRUST_DOMAIN, Failed, spiffe

FOLDER = RUN / "tls"
# enough for an exercise; each `up` makes new ones
DAYS = "3"
KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
CLUSTER = TRUST_DOMAIN.partition("-")[0]

# all that a certificate says, whatever the system's openssl.cnf has
REQUEST = """
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = {name}
[extensions]
subjectAltName = URI:{identity}
subjectKeyIdentifier = hash
basicConstraints = critical, {constraint}
keyUsage = critical, {usage}
{more}
"""
AUTHORITY = {"constraint": "CA:TRUE", "usage": "digitalSignature, keyCertSign, cRLSign", "more": ""}
LEAF = {
    "constraint": "CA:FALSE",
    "usage": "digitalSignature, keyEncipherment, keyAgreement",
    "more": "extendedKeyUsage = clientAuth, serverAuth",
}


def paths(host):
    """Chain and key of a host's sidecar."""
    return FOLDER / f"{host.name}.pem", FOLDER / f"{host.name}.key"


def make(stem, kind, name, identity, signed=()):
    request = FOLDER / f"{stem}.cnf"
    request.write_text(REQUEST.format(name=name, identity=identity, **kind))
    command = ["openssl", "req", "-x509", *KEY, *signed, "-days", DAYS, "-config", request]
    command += ["-keyout", FOLDER / f"{stem}.key", "-out", FOLDER / f"{stem}.pem"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"openssl: {done.stderr.strip()}")


def up():
    FOLDER.mkdir(mode=0o700)
    make("ca", AUTHORITY, f"pri-lab.consul.ca.{CLUSTER}.consul", f"spiffe://{TRUST_DOMAIN}")
    signed = ("-CA", FOLDER / "ca.pem", "-CAkey", FOLDER / "ca.key")
    for host in SIDECARS:
        name = f"{host.role}.svc.default.{CLUSTER}.consul"
        make(host.name, LEAF, name, spiffe(host.role, host.dc), signed)
