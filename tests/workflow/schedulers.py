"""Stand-ins of schedulers: each takes what its plugin submits, writes it down, and refuses the job.

So a plugin says what it asks for, and nothing has to run. LSF and Grid Engine are programs in front of the
path, Kubernetes is a server of its API on the loopback, HTCondor a module in place of its bindings.
"""

from __future__ import annotations

import json
import shlex
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

PROGRAM = """#!/bin/sh
printf '%s\\n' "$@" > {taken}.new && mv {taken}.new {taken}
echo refused >&2
exit 1
"""
BADMIN = "#!/bin/sh\nprintf 'Header\\nLSB_SHAREDIR = {0}\\nLSF_CONFDIR = {0}\\nLSF_UNIT_FOR_LIMITS = MB\\n'\n"
LSCLUSTERS = "#!/bin/sh\nprintf 'CLUSTER_NAME STATUS\\nhere ok\\n'\n"
BINDINGS = """
import json, pathlib

class JobEventLog: pass
class JobEventType: pass

class Submit(dict):
    def issue_credentials(self): pass

class Schedd:
    def submit(self, description):
        pathlib.Path({taken!r}).write_text(json.dumps(description))
        raise RuntimeError("refused")
"""


def _program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    (folder / name).chmod(0o755)


def words_of(taken: Path) -> list[str]:
    """What a program was called with."""
    return taken.read_text(encoding="utf-8").splitlines()


@contextmanager
def lsf(folder: Path) -> Iterator[tuple[dict[str, str], Path]]:
    """`bsub`, and what its plugin asks LSF about itself; gives what goes into the environment."""
    taken, programs = folder / "bsub.txt", folder / "bin"
    _program(programs, "bsub", PROGRAM.format(taken=shlex.quote(str(taken))))
    _program(programs, "badmin", BADMIN.format(folder))
    _program(programs, "lsclusters", LSCLUSTERS)
    parameters = folder / "lsbatch" / "here" / "configdir" / "lsb.params"
    parameters.parent.mkdir(parents=True)
    parameters.write_text("DEFAULT_QUEUE = normal # of all\n", encoding="utf-8")
    yield {"PATH": str(programs)}, taken


@contextmanager
def sge(folder: Path) -> Iterator[tuple[dict[str, str], Path]]:
    """`qsub`."""
    taken = folder / "qsub.txt"
    _program(folder / "bin", "qsub", PROGRAM.format(taken=shlex.quote(str(taken))))
    yield {"PATH": str(folder / "bin")}, taken


@contextmanager
def htcondor(folder: Path) -> Iterator[tuple[dict[str, str], Path]]:
    """The module that the plugin imports."""
    taken = folder / "submit.json"
    (folder / "modules").mkdir()
    text = BINDINGS.format(taken=str(taken))
    (folder / "modules" / "htcondor2.py").write_text(text, encoding="utf-8")
    yield {"PYTHONPATH": str(folder / "modules")}, taken


@contextmanager
def kubernetes(folder: Path) -> Iterator[tuple[dict[str, str], Path]]:
    """The API: secrets are taken, jobs are written down and refused."""
    taken = folder / "job.json"

    class Api(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            refused = self.path.endswith("/jobs")
            if refused:
                taken.write_bytes(body)
            self._answer(422 if refused else 201, body)

        def do_DELETE(self) -> None:
            self._answer(200, b"{}")

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    configuration = {
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "me", "user": {}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
    }  # fmt: skip
    (folder / "config.yaml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    try:
        yield {"KUBECONFIG": str(folder / "config.yaml")}, taken
    finally:
        server.shutdown()
        server.server_close()


def json_of(taken: Path) -> dict:
    """What was submitted as JSON."""
    return json.loads(taken.read_text(encoding="utf-8"))
