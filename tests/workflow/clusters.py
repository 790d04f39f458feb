"""Plugins of schedulers and storages, and a server of S3 on the loopback, for the tests."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from tools.workflow_copy import ROOT

from tests.workflow.slurm import _free_ports as free_ports

PLUGINS = ROOT / ".clusters"  # `make clusters`
installed = pytest.mark.skipif(
    not (PLUGINS / "snakemake_storage_plugin_s3").is_dir(),
    reason="Plugins of clusters are not installed: make clusters",
)


def environment(**more: str) -> dict[str, str]:
    """That of a user who has the plugins; what is given goes in front of paths."""
    # HTCondor's bindings look for a configuration whenever they are imported.
    mine = dict(os.environ) | {"OMP_NUM_THREADS": "1", "CONDOR_CONFIG": os.devnull}
    mine.pop("MLFLOW_TRACKING_URI", None)
    mine["PATH"] = f"{Path(sys.executable).parent}:{mine['PATH']}"
    mine["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(PLUGINS)]))
    for name, value in more.items():
        paths = name in ("PATH", "PYTHONPATH")
        mine[name] = os.pathsep.join([value, mine[name]]) if paths else value
    return mine


@contextmanager
def bucket(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A server of S3 in memory; gives its address and the keys, as variables of the environment."""
    (port,) = free_ports(1)
    with open(folder / "s3.log", "wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            env=environment(), stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                urlopen(f"{address}/moto-api/", timeout=5).close()
                break
            except OSError:
                assert server.poll() is None, (folder / "s3.log").read_text()
                time.sleep(0.1)
        yield (
            address,
            {
                "SNAKEMAKE_STORAGE_S3_ACCESS_KEY": "anyone",
                "SNAKEMAKE_STORAGE_S3_SECRET_KEY": "anything",
                "SNAKEMAKE_STORAGE_S3_ENDPOINT_URL": address,
            },
        )
    finally:
        server.terminate()
        server.wait(timeout=30)
