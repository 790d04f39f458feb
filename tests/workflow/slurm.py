"""A Slurm cluster of one node on this machine, for the tests; as root, from Debian's packages.

Needs ``slurm-wlm`` and ``munge``. Everything lies in one folder and listens on the loopback alone; a
Slurm or munge of the machine's own is left alone. The node has two simulated GPUs: files that stand for
devices, of which Slurm tells jobs the number as of real ones.
"""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel")
PARTITION = "main"
URGENT = "urgent"  # its jobs preempt those of `PARTITION`
GPUS = 2

CONFIGURATION = """
ClusterName=texshape-test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
KillWait=20
MinJobAge=3600
ReturnToService=2
MpiDefault=none
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:{gpus} State=UNKNOWN
PartitionName={partition} Nodes=ALL MaxTime=1-0 PriorityTier=1 State=UP
PartitionName={urgent} Nodes=ALL MaxTime=1-0 PriorityTier=9 PreemptMode=OFF State=UP
"""

# Snakemake's job steps start `srun` without SLURM_CONF.
SRUN = """#!/bin/sh
SLURM_CONF={folder}/slurm.conf exec {real} "$@"
"""

# The executor turns from `squeue` to `sacct` when the controller is slow to answer, and forgets its jobs
# when that fails, as it does without a database. The queue, which keeps ended jobs, answers instead.
SACCT = """#!/bin/sh
while [ $# -gt 0 ] && [ "$1" != --name ]; do shift; done
[ $# -gt 0 ] && exec squeue --states=all --noheader --format='%i|%T' --name "$2"
"""


def missing() -> list[str]:
    """What this machine lacks of what a cluster needs."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    lacking = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    return lacking + (["the rights of root"] if os.geteuid() != 0 else [])


@dataclass
class Cluster:
    """A running cluster; `environment` is what Slurm's commands need to find it."""

    folder: Path
    cpus: int = field(default_factory=lambda: min(2, os.cpu_count() or 1))
    memory: int = 8000  # MB; nothing enforces it
    daemons: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}:/usr/sbin:/sbin",
        }

    def start(self) -> None:
        for name in ("bin", "munge", "state", "spool", "devices"):
            (self.folder / name).mkdir(parents=True, mode=0o755)
        ports = _free_ports(2)
        for number in range(GPUS):
            # Slurm takes nothing but a device; this one swallows what is written, as /dev/null.
            os.mknod(
                self.folder / "devices" / f"gpu{number}", stat.S_IFCHR | 0o666, os.makedev(1, 3)
            )
        (self.folder / "gres.conf").write_text(
            f"Name=gpu File={self.folder}/devices/gpu[0-{GPUS - 1}]\n", encoding="utf-8"
        )
        (self.folder / "slurm.conf").write_text(
            CONFIGURATION.format(
                host=socket.gethostname().split(".")[0],
                controller_port=ports[0],
                node_port=ports[1],
                folder=self.folder,
                cpus=self.cpus,
                memory=self.memory,
                gpus=GPUS,
                partition=PARTITION,
                urgent=URGENT,
            ),
            encoding="utf-8",
        )
        for name, text in {"srun": SRUN, "sacct": SACCT}.items():
            program = self.folder / "bin" / name
            program.write_text(
                text.format(folder=self.folder, real=shutil.which(name)), encoding="utf-8"
            )
            program.chmod(0o755)
        munge = self.folder / "munge"
        self.run("mungekey", "--create", f"--keyfile={munge / 'key'}")
        self._daemon(
            "munged", "--foreground", "--force", f"--key-file={munge / 'key'}", f"--socket={munge / 'socket'}",
            f"--pid-file={munge / 'pid'}", f"--seed-file={munge / 'seed'}",
        )  # fmt: skip
        wait(lambda: (munge / "socket").exists(), "munged has no socket")
        self._daemon("slurmctld", "-D")
        self._daemon("slurmd", "-D")
        wait(self._is_idle, f"the node does not come up; see {self.folder}/slurm*.log")

    def stop(self) -> None:
        with suppress(TimeoutError, subprocess.TimeoutExpired):  # jobs outlive the daemons
            self.run("scancel", "--user=root", check=False)
            wait(lambda: not self.run("squeue", "--noheader", check=False), "jobs do not end", 40)
        for daemon in reversed(self.daemons):
            daemon.terminate()
        for daemon in reversed(self.daemons):
            try:
                daemon.wait(timeout=20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def run(self, *command: str, check: bool = True) -> str:
        """Run one of Slurm's commands and return what it says."""
        done = subprocess.run(
            command,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr or done.stdout}")
        return done.stdout

    def job_of(self, rule: str) -> str | None:
        """Number of the running job of a rule, by the comment that the executor gives it."""
        for line in self.run("squeue", "--noheader", "--states=R", "--format=%i|%k").splitlines():
            number, comment = line.split("|")
            if comment == f"rule_{rule}" or comment.startswith(f"rule_{rule}_wildcards"):
                return number
        return None

    def _daemon(self, *command: str) -> None:
        with open(self.folder / f"{command[0]}.out", "wb") as output:
            self.daemons.append(
                subprocess.Popen(
                    command,
                    env=os.environ | self.environment,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            )

    def _is_idle(self) -> bool:
        return self.run("sinfo", "--noheader", "--format=%T", check=False).startswith("idle")


def wait(condition: Callable[[], bool], otherwise: str, seconds: float = 60) -> None:
    """Wait until a condition holds, or fail saying what does not."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(otherwise)
        time.sleep(0.2)


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
