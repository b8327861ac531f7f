"""The command and the server in separate processes."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

PAUSE_SECONDS = 0.02  # between two requests that are timed


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port: int = free.getsockname()[1]
        return port


def tendigits(*arguments: Any) -> "subprocess.Popen[str]":
    """The command, in a separate process."""
    command = [sys.executable, "-m", "tendigits", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def children_of(pid: int) -> list[int]:
    """The processes that a process has started, as long as they run; looked for in /proc, so only on Linux."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # a thread has just ended
            found += task.read_text().split()
    return [int(child) for child in found]


def peak_memory(pid: int) -> int:
    """The most that a process has held, in MB; its children are not counted."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) // 1024


def processor_seconds(pid: int) -> float:
    """What a process has used until now; looked for in /proc, so only on Linux."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def time_live(port: int, pid: int, connection: Connection) -> None:
    """Ask whether a server is live until anything arrives on `connection`; sends the seconds of each answer.

    Not more of them than the server computed meanwhile: it is not to blame for other programs on the machine.
    """
    seconds = []
    while not connection.poll(PAUSE_SECONDS):
        started, computed = time.monotonic(), processor_seconds(pid)
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        client.request("GET", "/live")
        assert client.getresponse().status == 200
        client.close()
        seconds.append(min(time.monotonic() - started, processor_seconds(pid) - computed))
    connection.send(seconds)


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
        """The most that the process has held, in MB."""
        return peak_memory(self.process.pid)

    def children(self, command: str = "") -> list[int]:
        """Its children that run this command; looked for in /proc, so only on Linux."""
        found = []
        for child in children_of(self.process.pid):
            with suppress(OSError):  # it has just ended
                found += [child] if command in Path(f"/proc/{child}/cmdline").read_text() else []
        return found

    def memory(self) -> int:
        """What it and its children hold now, in MB."""
        kilobytes = 0
        for pid in (self.process.pid, *self.children()):
            with suppress(OSError):  # a worker has just ended
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
                kilobytes += int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1])
        return kilobytes // 1024

    def child(self, command: str) -> int:
        """Its only child that runs this command."""
        (found,) = self.children(command)
        return found

    def stop(self, number: int = signal.SIGTERM) -> str:
        """End it as a person would; gives what it wrote to standard error."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=60)
        assert self.process.returncode == 0
        return errors
