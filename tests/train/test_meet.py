import json
import socket
import threading
import time

import pytest

from tendigits.errors import HostError, UserError
from tendigits.train.meet import meet


@pytest.fixture
def first():
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return "localhost", free.getsockname()[1]


def together(first, *hosts, count=None, wait=10.0):
    """Each host in a thread: what it raised, or None."""
    came = {}

    def go(place, host, about):
        try:
            meet(first, host, count or len(hosts), about, wait)
            came[place] = None
        except (HostError, UserError) as error:
            came[place] = error

    threads = [threading.Thread(target=go, args=(i, *host)) for i, host in enumerate(hosts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return [came[i] for i in range(len(hosts))]


def test_all_come(first):
    assert together(first, (2, "1.0"), (0, "1.0"), (1, "1.0")) == [None] * 3
    assert together(first, (0, "1.0"), (1, "1.0")) == [None] * 2, "the port is free again at once"


def test_one_does_not_come(first):
    errors = together(first, (0, "1.0"), (1, "1.0"), count=4, wait=1.0)
    assert all(isinstance(error, HostError | UserError) for error in errors)
    assert "waited 1 s for host 2, 3 to come to localhost:" in str(errors[0])
    assert "the others did not come" in str(errors[1])


def test_who_came_before_the_first_hears_why_it_gave_up(first):
    heard = []

    def early():
        with pytest.raises(UserError, match="the others did not come"):
            meet(first, 1, 3, "1", 1.0)
        heard.append(True)

    thread = threading.Thread(target=early)
    thread.start()
    time.sleep(0.5)
    with pytest.raises(HostError, match="for host 2 to come"):
        meet(first, 0, 3, "1", 1.0)
    thread.join(20)
    assert heard


def test_the_first_does_not_come(first):
    started = time.monotonic()
    with pytest.raises(HostError, match=r"waited 0.5 s for host 0 at localhost:\d+ \(.*refused.*; start"):
        meet(first, 1, 2, "1.0", 0.5)
    assert time.monotonic() - started < 5


def test_another_version(first):
    for error in together(first, (0, "tendigits 2"), (1, "tendigits 1")):
        assert str(error) == "expected tendigits 2 on every host, found tendigits 1 on host 1"


def test_two_are_the_same_host(first):
    errors = together(first, (0, "1"), (1, "1"), (1, "1"))
    assert "expected one host 1, two came; say which one each is with --host" in [str(error) for error in errors]
    assert None not in errors


def test_another_number_of_hosts(first):
    errors = []

    def go(host, hosts):
        with pytest.raises(UserError, match="expected the same --hosts everywhere, host 1 has 3 and host 0 has 2"):
            meet(first, host, hosts, "1", 10)
        errors.append(host)

    threads = [threading.Thread(target=go, args=pair) for pair in ((0, 2), (1, 3))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(errors) == [0, 1]


def test_a_port_that_is_taken(first):
    with (
        socket.create_server(first),
        pytest.raises(UserError, match=r"cannot listen at localhost:\d+ .*choose another"),
    ):
        meet(first, 0, 2, "1", 1)


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n\r\n", b"", b"[]\n", b"\xff" * 5000])
def test_strangers_are_passed_over(first, said):
    came = []
    thread = threading.Thread(target=lambda: came.append(meet(first, 0, 2, "1", 20)))
    thread.start()
    for _ in range(100):
        try:
            stranger = socket.create_connection(first)
            break
        except OSError:
            time.sleep(0.05)
    with stranger:
        stranger.sendall(said)
        stranger.shutdown(socket.SHUT_WR)
        meet(first, 1, 2, "1", 20)
    thread.join(20)
    assert came == [None]


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", json.dumps([1]).encode() + b"\n"])
def test_something_else_at_the_port(first, answer):
    with socket.create_server(first) as other:

        def serve():
            with other.accept()[0] as connection:
                connection.recv(1000)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(HostError, match="has gone, or is no tendigits"):
            meet(first, 1, 2, "1", 5)
        thread.join(10)
