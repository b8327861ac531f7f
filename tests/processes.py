"""The command and the server in separate processes."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port: int = free.getsockname()[1]
        return port


def tendigits(*arguments: Any) -> "subprocess.Popen[str]":
    """The command, in a separate process."""
    command = [sys.executable, "-m", "tendigits", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class ServeProcess:
    """`tendigits serve` on a free port, in a separate process."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tendigits", "serve", "--port", "0", "--store", "a.db", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, env={**os.environ, **environment},
        )  # fmt: skip
        self.first_line = self.process.stdout.readline()
        match = re.search(r"http://\S+:(\d+)", self.first_line)
        if match is None:
            raise RuntimeError(self.process.communicate()[1])
        self.port = int(match[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def peak_memory(self) -> int:
        """The most that the process has held, in MB; its children are not counted."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) // 1024

    def child(self, command: str) -> int:
        """Its child that runs this command; looked for in /proc, so only on Linux."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        (found,) = [int(pid) for pid in children if command in Path(f"/proc/{pid}/cmdline").read_text()]
        return found

    def stop(self, number: int = signal.SIGTERM) -> str:
        """End it as a person would; gives what it wrote to standard error."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=60)
        assert self.process.returncode == 0
        return errors
