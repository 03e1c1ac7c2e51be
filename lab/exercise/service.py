"""Stands in for the services, which speak HTTP/1.0 on the loopback: each call is a connection.

    service.py serve NAME DATACENTER PORT       answers with its name
    service.py call NAME PORT RATE SECONDS LOG  calls so often, so long; writes a line for each call
"""

import http.client
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# longer than Envoy takes to give up a connection attempt
PATIENCE = 8


def serve(name, datacenter, port):
    body = json.dumps({"service": name, "dc": datacenter}).encode()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    ThreadingHTTPServer(("127.0.0.1", int(port)), Answer).serve_forever()


def call_once(port):
    """The datacenter that answered, and what went wrong."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        return json.loads(answer.read())["dc"], None
    except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
        return None, f"{type(error).__name__}: {error}"
    finally:
        connection.close()


def call(name, port, rate, seconds, log):
    begin = time.monotonic()
    next_call = begin
    with open(log, "a", buffering=1) as lines:
        while next_call < begin + float(seconds):
            time.sleep(max(0.0, next_call - time.monotonic()))
            stamp, since = time.time(), time.monotonic()
            dc, error = call_once(int(port))
            took = round((time.monotonic() - since) * 1000, 3)
            said = {"ts": stamp, "service": name, "dc": dc, "ms": took, "error": error}
            lines.write(json.dumps(said) + "\n")
            # a call that hung does not make the next ones come in a bunch
            next_call = max(next_call + 1 / float(rate), time.monotonic())


if __name__ == "__main__":
    {"serve": serve, "call": call}[sys.argv[1]](*sys.argv[2:])
