"""Real servers on loopback for the tests: PostgreSQL as an ordinary user, and MLflow's tracking server."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

STARTS = 300  # s that a crowded machine may need


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait(ready: Callable[[], bool], process: subprocess.Popen, what: str, log: Path) -> None:
    for _ in range(STARTS * 5):
        if ready():
            return
        if process.poll() is not None:
            break
        time.sleep(0.2)
    pytest.fail(f"{what} did not start:\n{log.read_text(errors='replace')[-3000:]}")


def stop(process: subprocess.Popen, number: int = signal.SIGTERM) -> None:
    """Signal a process and all that it started, and wait for it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
    process.wait(60)


def _postgresql() -> Path | None:
    """The folder of PostgreSQL's programs; Debian keeps them off the path."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "postgres").is_file()), None)


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """A database with nothing in it; yields its URI. Skips where PostgreSQL is not installed."""
    programs = _postgresql()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="texshape-postgresql-"))
    account: dict = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as the administrator
        user = next((name for name in ("postgres", "nobody") if _exists(name)), None)
        if user is None:
            pytest.skip("PostgreSQL is not installed for an ordinary user")
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        account = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    data, port = folder / "data", free_port()
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    try:
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "texshape", "-A", "trust", "--no-sync"],
            check=True, capture_output=True, cwd=folder, env=environment, **account,
        )  # fmt: skip
        log = folder.with_suffix(".log")
        with open(log, "wb") as output:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, "-k", folder, "-h", "127.0.0.1",
                 "-p", str(port), "-c", "fsync=off"],
                stdout=output, stderr=output, cwd=folder, env=environment,
                start_new_session=True, **account,
            )  # fmt: skip
        try:
            ready = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
            wait(
                lambda: subprocess.run(ready, check=False).returncode == 0,
                server,
                "PostgreSQL",
                log,
            )
            yield f"postgresql://texshape@127.0.0.1:{port}/postgres"
        finally:
            stop(server, signal.SIGINT)  # its fast shutdown
            log.unlink()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


class MLflowServer:
    """`mlflow server`; may be killed and started again at the same address.

    With one worker: of several uvicorn kills those that take more than 5 s to start.
    """

    def __init__(self, store: str, folder: Path) -> None:
        self.store, self.folder, self.port = store, folder, free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        log = self.folder / "server.log"
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1",
                   "--port", str(self.port), "--workers", "1", "--backend-store-uri", self.store,
                   "--artifacts-destination", str(self.folder / "artifacts")]  # fmt: skip
        environment = {
            **os.environ,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        environment.pop("MLFLOW_TRACKING_URI", None)
        with open(log, "ab") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=output, cwd=self.folder, env=environment,
                start_new_session=True,
            )  # fmt: skip
        wait(self._answers, self.process, "MLflow", log)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def kill(self) -> None:
        """As a machine that dies: SIGKILL to the server and its workers."""
        if self.process is not None:
            stop(self.process, signal.SIGKILL)
            self.process = None
