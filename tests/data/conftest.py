"""No test of this folder reaches the network, the user's own Keras cache or TENDIGITS_OFFLINE of the shell."""

import http.server
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tendigits.data import mnist

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def sealed(monkeypatch, tmp_path):
    monkeypatch.delenv("TENDIGITS_OFFLINE", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(mnist, "URL", "http://127.0.0.1:9/mnist.npz")  # nothing listens there


@pytest.fixture(scope="session")
def mnist_npz():
    path = ROOT.parent / "shared" / "mnist" / "mnist.npz"
    if not path.is_file():
        pytest.skip(f"needs the whole MNIST at {path}")
    return path


@pytest.fixture(scope="session")
def whole(mnist_npz):
    with np.load(mnist_npz, allow_pickle=False) as file:
        return {key: file[key] for key in ("x_train", "y_train", "x_test", "y_test")}


@pytest.fixture(scope="session")
def five_thousand():
    return mnist.fallback()


@pytest.fixture
def small():
    """Four arrays of 40 and 20 random images, each digit equally often."""
    rng = np.random.default_rng(1)
    return {
        "x_train": rng.integers(0, 256, (40, 28, 28), dtype=np.uint8),
        "y_train": np.arange(40, dtype=np.uint8) % 10,
        "x_test": rng.integers(0, 256, (20, 28, 28), dtype=np.uint8),
        "y_test": np.arange(20, dtype=np.uint8) % 10,
    }


class Server:
    """A local server whose answer, pace and faults a test sets; it counts the requests."""

    def __init__(self):
        self.body, self.status, self.announce = b"", 200, None
        self.head_delay = self.byte_delay = 0.0
        self.requests = []
        self.stop = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests.append(self.command)
                outer.stop.wait(outer.head_delay)
                self.send_response(outer.status)
                if outer.announce != "":
                    self.send_header("Content-Length", str(outer.announce or len(outer.body)))
                self.end_headers()
                if self.command == "HEAD":
                    return
                if outer.byte_delay:
                    for i in range(len(outer.body)):
                        if outer.stop.is_set():
                            return
                        self.wfile.write(outer.body[i : i + 1])
                        time.sleep(outer.byte_delay)
                else:
                    self.wfile.write(outer.body)

            def do_HEAD(self):
                self.do_GET()

            def log_message(self, *args):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # the client hung up, as it should

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/mnist.npz"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def end(self):
        self.stop.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(monkeypatch):
    server = Server()
    monkeypatch.setattr(mnist, "URL", server.url)
    yield server
    server.end()
    # A download that was given up ends in its own thread now.
    for thread in threading.enumerate():
        if thread.name == "tendigits-fetch":
            thread.join(5)
            assert not thread.is_alive()
