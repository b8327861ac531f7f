"""The settings of `tendigits serve`.

app = create_app(ServerConfig(store="corrections.db"))
"""

from dataclasses import dataclass
from pathlib import Path

LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")

TIMEOUT_SECONDS = 15.0  # to read a picture, waiting included; a page of 750 numbers takes a few of one core

# After SIGTERM, for requests to be answered and for a job to stop; then requests get 503, and a training is killed,
# which can be resumed. Supervisors such as Docker kill the server after 10 seconds; its end takes one to three.
SHUTDOWN_SECONDS = 6


@dataclass(frozen=True)
class ServerConfig:
    """The server's settings."""

    store: str  # file of the corrections and fine-tuned networks
    runs: Path = Path("runs")  # folder of the training runs
    model: Path | None = None  # run or model file to read with; None for the store's active network
    host: str = "127.0.0.1"
    port: int = 8000  # 0 picks a free one
    names: tuple[str, ...] = ()  # other host names of this server
    token: str | None = None  # every request needs it; None if only this machine can reach the server
    phone_url: str | None = None  # address of the phone's page, with `phone_token`; None if no phone sends photos
    phone_token: str | None = None  # allows only to open the phone's page and to send photos; needs `token`
    timeout: float = TIMEOUT_SECONDS  # to read a picture; then the answer is 503
    workers: int | None = None  # processes that read pictures; None for one per core

    @property
    def hosts(self) -> tuple[str, ...]:
        """The accepted names in a Host header, without a port."""
        return (*LOCAL_HOSTS, self.host.lower(), *(name.lower() for name in self.names))
