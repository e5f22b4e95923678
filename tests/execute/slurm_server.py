"""A Slurm of our own with one node: controller, node daemon and munge, in a new folder.

with SlurmServer() as server: ...     SLURM_CONF points to it
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "sinfo")
SECONDS = 60
CONF = """ClusterName=mores
SlurmctldHost={host}(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPort={control}
SlurmdPort={node}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,bf_interval=1
MpiDefault=none
ReturnToService=2
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str:
    """Say what a Slurm of our own lacks here, or nothing."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]
    if missing:
        return f"Slurm is not installed ({', '.join(missing)}): apt-get install slurm-wlm munge"
    return "" if os.geteuid() == 0 else "a Slurm of our own needs root"


def _path() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class SlurmServer:
    """Use it in a ``with``; it is gone afterwards."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mores-slurm-"))
        self.processes: list[subprocess.Popen[bytes]] = []
        self.before = os.environ.get("SLURM_CONF")

    def __enter__(self) -> Self:
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        (self.folder / "munge.key").write_bytes(secrets.token_bytes(1024))
        (self.folder / "munge.key").chmod(0o400)
        text = CONF.format(
            folder=self.folder,
            host=socket.gethostname().partition(".")[0],
            control=_port(),
            node=_port(),
            cores=os.cpu_count(),
        )
        (self.folder / "slurm.conf").write_text(text)
        os.environ["SLURM_CONF"] = str(self.folder / "slurm.conf")
        try:
            words = [
                f"--socket={self.folder}/munge.sock",
                f"--key-file={self.folder}/munge.key",
                f"--pid-file={self.folder}/munge.pid",
                f"--seed-file={self.folder}/munge.seed",
            ]
            self._start("munged", "--foreground", "--force", *words)
            self._start("slurmctld", "-D", "-i")
            self._start("slurmd", "-D")
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _start(self, name: str, *words: str) -> None:
        program = shutil.which(name, path=_path())
        assert program is not None
        with (self.folder / f"{name}.out").open("wb") as out:
            self.processes.append(
                subprocess.Popen(
                    [program, *words],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    start_new_session=True,
                )
            )

    def _wait(self) -> None:
        until = time.monotonic() + SECONDS
        while True:
            asked = ["sinfo", "--noheader", "--format=%T"]
            told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
            if told.strip() == "idle":
                return
            if time.monotonic() > until:
                logs = "\n".join(p.read_text()[-1000:] for p in self.folder.glob("*.log"))
                raise RuntimeError(f"Slurm did not start: {told}\n{logs}")
            time.sleep(0.3)

    def stop(self) -> None:
        """End the daemons, the node's first."""
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            if process.poll() is None:
                process.kill()
                process.wait()
        if self.before is None:
            os.environ.pop("SLURM_CONF", None)
        else:
            os.environ["SLURM_CONF"] = self.before
        shutil.rmtree(self.folder, ignore_errors=True)
