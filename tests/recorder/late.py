#!/usr/bin/env python3
"""Records real programs whose TLS starts late into fixtures/recorded/late.pcap.

    sudo tests/recorder/late.py

Needs Linux, root, Python 3.8, and the programs openssl, curl, psql, mariadb, haproxy, tcpdump, ip, unshare (Debian: openssl curl
postgresql-client mariadb-client haproxy tcpdump iproute2 util-linux). Everything happens on the loopback of a network namespace that ends with
this script. Clients are real, and so is haproxy; what they talk to is a scripted dialogue in front of Python's TLS (OpenSSL). Each client has 10 seconds, the whole run two minutes. `tests/recorded_late.rs` says what must be told of the capture.
"""
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.normpath(os.path.join(HERE, "..", "..", "fixtures", "recorded", "late.pcap"))
NS = b"urn:ietf:params:xml:ns:xmpp-tls"


class Script:
    """A dialogue: what is said first, and the answers to what matches. An answer that ends with TLS starts it."""

    def __init__(self, greeting, turns):
        self.greeting, self.turns = greeting, turns

    def __call__(self, conn):
        """True once TLS is to start."""
        if self.greeting:
            conn.sendall(self.greeting)
        heard = b""
        while True:
            got = conn.recv(4096)
            if not got:
                return False
            heard += got
            for pattern, answer, tls in self.turns:
                if re.search(pattern, heard, re.S | re.I):
                    if answer:
                        conn.sendall(answer)
                    if tls:
                        return True
                    heard = b""
                    break


# the greeting of a MariaDB server, without its header: a length of three bytes and the number 0
MARIADB = (b"\x0a5.5.5-10.11.9-MariaDB-log\0" b"\x07\0\0\0" b"abcdefgh\0" b"\xfe\xff\x2d\x02\0\xff\xc1\x15" + bytes(6) +
           b"\x1d\0\0\0" b"ijklmnopqrst\0" b"mysql_native_password\0")
LINE = rb"\r?\n$"
SCRIPTS = {
    25: Script(b"220 mx.example ESMTP\r\n", [
        (rb"^(EHLO|HELO)[^\n]*" + LINE, b"250-mx.example\r\n250-STARTTLS\r\n250 HELP\r\n", False),
        (rb"^STARTTLS" + LINE, b"220 2.0.0 Ready to start TLS\r\n", True)]),
    24: Script(b"220 lmtp.example LMTP\r\n", [
        (rb"^LHLO[^\n]*" + LINE, b"250-lmtp.example\r\n250 STARTTLS\r\n", False),
        (rb"^STARTTLS" + LINE, b"220 Go ahead\r\n", True)]),
    143: Script(b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n", [
        (rb"^(\S+) CAPABILITY" + LINE, b"* CAPABILITY IMAP4rev1 STARTTLS\r\n%TAG OK done\r\n", False),
        (rb"^(\S+) STARTTLS" + LINE, b"%TAG OK Begin TLS negotiation now\r\n", True)]),
    110: Script(b"+OK pop.example ready\r\n", [
        (rb"^CAPA" + LINE, b"+OK\r\nSTLS\r\nSASL PLAIN\r\n.\r\n", False),
        (rb"^STLS" + LINE, b"+OK Begin TLS\r\n", True)]),
    21: Script(b"220 ftp.example\r\n", [
        (rb"^FEAT" + LINE, b"211-Features\r\n AUTH TLS\r\n211 End\r\n", False),
        (rb"^AUTH (TLS|SSL)" + LINE, b"234 AUTH TLS successful\r\n", True)]),
    119: Script(b"200 news.example ready\r\n", [
        (rb"^CAPABILITIES" + LINE, b"101 list\r\nVERSION 2\r\nSTARTTLS\r\n.\r\n", False),
        (rb"^STARTTLS" + LINE, b"382 Continue with TLS\r\n", True)]),
    4190: Script(b'"IMPLEMENTATION" "x"\r\n"SIEVE" "fileinto"\r\n"STARTTLS"\r\n"VERSION" "1.0"\r\nOK\r\n', [
        (rb"^STARTTLS" + LINE, b'OK "Begin TLS"\r\n', True)]),
    6667: Script(b"", [(rb"STARTTLS" + LINE, b":irc.example 670 * :STARTTLS successful, go ahead\r\n", True)]),
    5222: Script(b"", [
        (rb"<starttls[^>]*>", b"<proceed xmlns='" + NS + b"'/>", True),
        (rb"<stream:stream[^>]*>", b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
         b"xmlns:stream='http://etherx.jabber.org/streams' id='1' from='x' version='1.0'>"
         b"<stream:features><starttls xmlns='" + NS + b"'><required/></starttls></stream:features>", False)]),
    389: Script(b"", [(rb"1\.3\.6\.1\.4\.1\.1466\.20037", b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00", True)]),
    5432: Script(b"", [
        (rb"^\0\0\0\x08\x04\xd2\x16\x30", b"N", False),
        (rb"^\0\0\0\x08\x04\xd2\x16\x2f", b"S", True)]),
    8080: Script(b"", [
        (rb"^CONNECT [^\r]+\r\n((?!Proxy-Authorization)[^\r]+\r\n)*Proxy-Authorization:.*\r\n\r\n$", b"HTTP/1.1 200 Connection established\r\n\r\n", True),
        (rb"^CONNECT needs[^\r]+\r\n.*\r\n\r\n$", b'HTTP/1.1 407 Authenticate\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n', False),
        (rb"^CONNECT .*\r\n\r\n$", b"HTTP/1.1 200 Connection established\r\nVia: 1.1 x\r\n\r\n", True)]),
    1080: Script(b"", [
        (rb"^\x05[\x01-\x09][\x00-\x03]+$", b"\x05\0", False),
        (rb"^\x05\x01\0[\x01\x03\x04].{4,}$", b"\x05\0\0\x01\0\0\0\0\0\0", True),
        (rb"^\x04\x01..\0\0\0.[^\0]*\0[^\0]+\0$", b"\0\x5a\0\0\0\0\0\0", True),
        (rb"^\x04\x01..[^\0]...[^\0]*\0$", b"\0\x5a\0\0\0\0\0\0", True)]),
}


def serve(port, script, context):
    """Listens; each connection has its dialogue, then TLS, a line, and the end."""
    listener = socket.create_server(("127.0.0.1", port))

    def one(conn):
        with conn:
            conn.settimeout(10)
            try:
                if script(Tagging(conn)):
                    with context.wrap_socket(conn, server_side=True) as tls:
                        tls.settimeout(1)
                        try:
                            tls.recv(1)
                        except (OSError, ssl.SSLError):
                            pass
            except (OSError, ssl.SSLError) as error:
                print(f"port {port}: {error}", file=sys.stderr)

    def loop():
        while True:
            conn, _ = listener.accept()
            threading.Thread(target=one, args=(conn,), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()


class Tagging:
    """A socket that knows IMAP's tags."""

    def __init__(self, conn):
        self.conn, self.tag = conn, b"*"

    def recv(self, size):
        got = self.conn.recv(size)
        words = got.split(b" ", 1)
        self.tag = words[0] if len(words) == 2 else self.tag
        return got

    def sendall(self, data):
        self.conn.sendall(data.replace(b"%TAG", self.tag))


def certificate(folder):
    key, cert = os.path.join(folder, "key.pem"), os.path.join(folder, "cert.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                    "/CN=recorded.example", "-keyout", key, "-out", cert], check=True, stderr=subprocess.DEVNULL)
    return key, cert


def haproxy(folder, started):
    """Two listeners that put a PROXY header ahead of what they pass on."""
    path = os.path.join(folder, "haproxy.cfg")
    with open(path, "w") as config:
        config.write("defaults\n mode tcp\n timeout connect 5s\n timeout client 10s\n timeout server 10s\n"
                     "listen one\n bind 127.0.0.1:9001\n server s 127.0.0.1:9443 send-proxy\n"
                     "listen two\n bind 127.0.0.1:9002\n server s 127.0.0.1:9444 send-proxy-v2\n")
    started.append(subprocess.Popen(["haproxy", "-db", "-f", path], stderr=subprocess.DEVNULL))


class Headed(Script):
    """A server that reads a PROXY header, and TLS behind it."""

    def __init__(self):
        pass

    def __call__(self, conn):
        conn = conn.conn
        start = conn.recv(16, socket.MSG_WAITALL)
        if start.startswith(b"PROXY "):
            while not start.endswith(b"\r\n"):
                start += conn.recv(1)
        else:
            conn.recv(struct.unpack(">H", start[14:16])[0], socket.MSG_WAITALL)
        return True


class MySql(Script):
    """A server that greets, and reads the request alone: the hello follows it at once."""

    def __init__(self):
        pass

    def __call__(self, conn):
        conn.sendall(struct.pack("<I", len(MARIADB)) + MARIADB)
        return conn.conn.recv(36, socket.MSG_WAITALL)[:4] == b"\x20\0\0\x01"


class Byte(Script):
    """A server that reads one byte, and TLS behind it."""

    def __init__(self):
        pass

    def __call__(self, conn):
        return conn.conn.recv(1) == b"\x03"


class Quiet(Script):
    def __init__(self, greeting):
        self.greeting = greeting

    def __call__(self, conn):
        conn.sendall(self.greeting)
        return True


def s_client(port, name, *more):
    return ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", f"{name}.openssl.example", *more]


def clients():
    tls12 = ["-tls1_2"]
    for port, kind in [(25, "smtp"), (24, "lmtp"), (143, "imap"), (110, "pop3"), (21, "ftp"), (119, "nntp"), (4190, "sieve"), (6667, "irc"),
                       (5222, "xmpp"), (389, "ldap"), (5432, "postgres"), (3306, "mysql")]:
        yield s_client(port, kind, "-starttls", kind, *(tls12 if port % 2 else []))
    yield ["openssl", "s_client", "-proxy", "127.0.0.1:8080", "-connect", "www.openssl.example:443", "-servername", "proxied.openssl.example"]
    curl = ["curl", "-sk", "--max-time", "8"]
    here = lambda name, port: ["--connect-to", f"{name}:{port}:127.0.0.1:{port}"]
    for url, port in [("smtp://smtp.curl.example", 25), ("imap://imap.curl.example", 143), ("pop3://pop3.curl.example", 110),
                      ("ftp://ftp.curl.example", 21)]:
        yield [*curl, "--ssl-reqd", *here(url.split("//")[1], port), url]
    yield [*curl, "--proxy", "http://127.0.0.1:8080", "https://connect.curl.example/"]
    yield [*curl, "--proxy", "http://127.0.0.1:8080", "--proxy-user", "u:p", "--proxy-anyauth", "https://needs.curl.example/"]
    yield [*curl, "--socks5", "127.0.0.1:1080", "--resolve", "socks5.curl.example:443:192.0.2.9", "https://socks5.curl.example/"]
    yield [*curl, "--socks5-hostname", "127.0.0.1:1080", "https://socks5h.curl.example/"]
    yield [*curl, "--socks4", "127.0.0.1:1080", "--resolve", "socks4.curl.example:443:192.0.2.9", "https://socks4.curl.example/"]
    yield [*curl, "--socks4a", "127.0.0.1:1080", "https://socks4a.curl.example/"]
    yield [*curl, "--haproxy-protocol", *here("proxy.curl.example", 9443), "https://proxy.curl.example:9443/"]
    yield s_client(9001, "send-proxy")
    yield s_client(9002, "send-proxy-v2")
    yield ["psql", "host=psql.libpq.example hostaddr=127.0.0.1 sslmode=require gssencmode=disable connect_timeout=5 user=u dbname=d"]
    yield ["mariadb", "--ssl", "--protocol=tcp", "-h", "127.0.0.1", "-u", "u", "--connect-timeout=5"]


def byte_ahead(port):
    """What Consul's servers do on port 8300: one byte, then TLS, by Python's OpenSSL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 5) as conn:
        conn.sendall(b"\x03")
        with context.wrap_socket(conn, server_hostname="server.dc1.consul"):
            pass


def after_greeting(port):
    """What NATS' clients do: the server's line, then TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 5) as conn:
        while not conn.recv(4096).endswith(b"\n"):
            pass
        with context.wrap_socket(conn, server_hostname="nats.python.example"):
            pass


def record(folder):
    key, cert = certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    started = []
    capture = os.path.join(folder, "late.pcap")
    try:
        dump = subprocess.Popen(["tcpdump", "-i", "lo", "-U", "-s", "0", "-w", capture, "tcp"], stderr=subprocess.PIPE)
        started.append(dump)
        dump.stderr.readline()
        others = [(3306, MySql()), (9443, Headed()), (9444, Headed()), (8300, Byte()), (4222, Quiet(b'INFO {"tls_required":true}\r\n'))]
        for port, script in [*SCRIPTS.items(), *others]:
            serve(port, script, context)
        haproxy(folder, started)
        time.sleep(1)
        for command in clients():
            print("$", " ".join(command), file=sys.stderr)
            try:
                subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=10)
            except subprocess.TimeoutExpired:
                print("  still there after 10 seconds", file=sys.stderr)
        byte_ahead(8300)
        after_greeting(4222)
        time.sleep(2)
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGINT if process.args[0] == "tcpdump" else signal.SIGTERM)
            process.wait(5)
    shutil.copyfile(capture, OUT)
    print(OUT, file=sys.stderr)


def main():
    if os.environ.get("LATE_NAMESPACE") != "1":
        os.execvpe("unshare", ["unshare", "--net", sys.executable, os.path.abspath(__file__)], {**os.environ, "LATE_NAMESPACE": "1"})
    signal.alarm(120)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        record(folder)


main()
