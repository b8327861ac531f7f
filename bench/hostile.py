"""Attacks on a running server, each over a connection of its own.

attack = choice(random); attack.run(Sender(port, "127.0.0.2"), random)      # "200", "431", "closed", ...

Used by bench/soak.py. What each did before it was mended is in docs/robustness.md.
"""

import io
import json
import random
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from PIL import Image

PATIENCE = 30.0
"""Seconds until an attacker gives up waiting."""

N_PICTURES = 500
"""Different pictures of each kind: to make them takes longer than to send them."""

PATHS = ("/v1/read", "/v1/read?one=true", "/v1/tables", "/v1/preview")
"""What takes a picture."""


@dataclass(frozen=True)
class Sender:
    """Opens connections to the server from one address."""

    port: int
    address: str

    def open(self) -> socket.socket:
        """A new connection."""
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE, source_address=(self.address, 0))

    def send(self, data: bytes) -> str:
        """Send bytes and say what comes back."""
        try:
            with self.open() as connection:
                with suppress(ConnectionError):  # refused before all of it arrived: the answer may be there
                    connection.sendall(data)
                return answer_of(connection)
        except TimeoutError:
            return "no answer"
        except OSError:
            return "closed"


@dataclass(frozen=True)
class Attack:
    """One kind of attack, and how often it comes beside the others."""

    name: str
    weight: float
    run: Callable[[Sender, random.Random], str]


def request(method: str, path: str, body: bytes = b"", *headers: str) -> bytes:
    """A request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answer_of(connection: socket.socket) -> str:
    """The status of an answer, once all of it is there."""
    with connection.makefile("rb") as file:
        status = file.readline(1000).split(b" ")
        if len(status) < 2:
            return "closed"
        length = 0
        while (line := file.readline(100_000)) not in (b"", b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        file.read(length)
    return status[1].decode()


def picture(rng: random.Random) -> bytes:
    """One of N_PICTURES that look like much work."""
    return _picture(rng.randrange(N_PICTURES))


def mutated(rng: random.Random) -> bytes:
    """One of N_PICTURES in some format, some of whose bytes were changed."""
    return _mutated(rng.randrange(N_PICTURES))


@cache
def _picture(seed: int) -> bytes:
    rng = random.Random(seed)  # noqa: S311
    n, step = rng.choice((256, 512, 1024, 2048)), rng.randint(3, 40)
    y, x = np.mgrid[:n, :n]
    noise = np.random.default_rng(rng.randrange(2**32))
    kinds: dict[str, Callable[[], np.ndarray]] = {
        "grid": lambda: (x % step == 0) | (y % step == 0),
        "checks": lambda: (x // step + y // step) % 2 == 0,
        "comb": lambda: (x % step < step // 2) & (y > n // 3),
        "waves": lambda: np.sin(x / step) + np.sin(y / (step * 1.1)) + np.sin((x + y) / (step * 1.3)) > 0,
        "spiral": lambda: np.sin(np.hypot(x - n / 2, y - n / 2) / step + np.arctan2(y - n / 2, x - n / 2)) > 0,
        "gravel": lambda: (
            cv2.resize(noise.random((n // step, n // step)), (n, n), interpolation=cv2.INTER_NEAREST) > 0.7
        ),
        "thin": lambda: (np.arange(rng.choice((700, 16384))) % step < 2)[None].repeat(rng.randint(1, 40), 0),
        "digits": lambda: _digits(n, step + 8, rng),
    }
    page = np.where(kinds[rng.choice([*kinds])](), 0, 255).astype(np.uint8)
    return cv2.imencode(".png", page)[1].tobytes()


def _digits(n: int, size: int, rng: random.Random) -> np.ndarray:
    page = np.zeros((n, n), np.uint8)
    for y in range(size, n, size + 4):
        line = " ".join(str(rng.randrange(10**6)) for _ in range(n // (4 * size)))
        cv2.putText(page, line, (2, y), cv2.FONT_HERSHEY_SIMPLEX, size / 30, 255, 1 + size // 16)
    return page > 0


@cache
def _mutated(seed: int) -> bytes:
    rng = random.Random(seed)  # noqa: S311
    image = Image.open(io.BytesIO(_picture(seed))).resize((120, 90))
    made = io.BytesIO()
    image.convert("RGB").save(made, rng.choice(("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PDF")))
    data = bytearray(made.getvalue())
    for _ in range(rng.randint(1, 20)):
        data[rng.randrange(min(len(data), rng.choice((64, 10**6))))] = rng.randrange(256)
    return bytes(data[: rng.choice((len(data), rng.randint(1, len(data))))])


def tile_bomb() -> bytes:
    """A TIFF of 64x64 pixels in a tile that is declared 46,000 pixels wide and high."""
    made = io.BytesIO()
    Image.new("L", (64, 64)).save(made, "TIFF", tiffinfo={322: 46000, 323: 46000, 324: 8, 325: 64 * 64})
    return made.getvalue() + bytes(300_000)


def _form(rng: random.Random) -> bytes:
    parts = b"".join(
        b'--x\r\ncontent-disposition: form-data; name="image"; filename="../../a"\r\n\r\n' + body + b"\r\n"
        for body in (rng.choice((picture, mutated))(rng) for _ in range(rng.randint(1, 8)))
    )
    return request("POST", "/v1/read", parts + b"--x--\r\n", "content-type: multipart/form-data; boundary=x")


def _json(rng: random.Random) -> bytes:
    bodies: tuple[Callable[[], bytes], ...] = (
        lambda: json.dumps({f"key{i}": i for i in range(rng.choice((10, 200_000)))}).encode(),
        lambda: b"[" * rng.choice((10, 10**5)),
        lambda: b'{"digits": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        lambda: b'{"digits": [' + b"9" * rng.choice((10, 10**6)) + b"]}",
        lambda: b'{"corrections": [{"label": NaN, "crop": 1e999}]}',
        lambda: b"\x00\xff" * rng.randint(1, 10**5),
        lambda: b'{"digits": []}' + b" " * 10**6,
    )
    path = rng.choice(("/v1/digits", "/v1/corrections", "/v1/corrections/numbers", "/v1/tables/export", "/v1/runs"))
    return request("POST", path, rng.choice(bodies)(), "content-type: application/json")


def _head(rng: random.Random) -> bytes:
    return rng.choice((
        lambda: b"GET /live HTTP/1.1\r\nhost: 127.0.0.1\r\nx: " + b"a" * 10**6,
        lambda: b"GET /live HTTP/1.1\r\nhost: 127.0.0.1\r\n" + b"a: b\r\n" * 50_000,
        lambda: b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n",
        lambda: request("GET", "/live", b"", "host: evil.example"),
        lambda: request("GET", f"/v1/corrections?first={'9' * 5000}"),
        lambda: request("POST", "/v1/corrections", b"{}", "origin: http://["),
        lambda: request("POST", "/v1/read", b"", "content-length: 99999999999"),
        lambda: request("DELETE", "/v1/corrections/99999999999999999999"),
        lambda: request("GET", "/../../../etc/passwd"),
        lambda: request("GET", "/v1/runs/..%2f..%2fetc/report"),
        lambda: bytes(rng.randrange(256) for _ in range(200)) + b"\r\n\r\n",
    ))()  # fmt: skip


def _hang_up(sender: Sender, rng: random.Random) -> str:
    with sender.open() as connection:
        connection.sendall(request("POST", rng.choice(PATHS), picture(rng)))
        time.sleep(rng.random() / 10)
    return "hung up"


def _slow_body(sender: Sender, rng: random.Random) -> str:
    with sender.open() as connection:
        connection.sendall(request("POST", "/v1/read", picture(rng))[:-10])
        time.sleep(rng.random())
    return "hung up"


def _unread(sender: Sender, rng: random.Random) -> str:
    """Requests in a row whose answers are never read."""
    path = rng.choice(("/openapi.json", "/v1/corrections/export", "/live", "/app.js"))
    with sender.open() as connection, suppress(OSError):
        connection.settimeout(1)
        connection.sendall(request("GET", path) * 2000)
        time.sleep(rng.random() * 2)
    return "hung up"


def _flood(sender: Sender, rng: random.Random) -> str:
    with ExitStack() as held:
        with suppress(OSError):
            for _ in range(100):
                held.enter_context(sender.open())
        time.sleep(rng.random())
    return "hung up"


ATTACKS = [
    Attack("costly picture", 30, lambda to, rng: to.send(request("POST", rng.choice(PATHS), picture(rng)))),
    Attack("damaged picture", 30, lambda to, rng: to.send(request("POST", rng.choice(PATHS), mutated(rng)))),
    Attack("tile bomb", 1, lambda to, rng: to.send(request("POST", rng.choice(PATHS), tile_bomb()))),
    Attack("form", 3, lambda to, rng: to.send(_form(rng))),
    Attack("JSON", 12, lambda to, rng: to.send(_json(rng))),
    Attack("head", 15, lambda to, rng: to.send(_head(rng))),
    Attack("hang up", 4, _hang_up),
    Attack("slow body", 2, _slow_body),
    Attack("unread answers", 2, _unread),
    Attack("flood of connections", 0.2, _flood),
]


def choice(rng: random.Random) -> Attack:
    """One of the attacks, by their weights."""
    return rng.choices(ATTACKS, [attack.weight for attack in ATTACKS])[0]
