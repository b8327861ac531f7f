"""SIGKILL of the server at random moments while it writes corrections: none that it acknowledged is lost."""

import threading
import time

import httpx
import numpy as np
import pytest

from drawing import crop64
from processes import ServeProcess
from tendigits.teach.store import Store

pytestmark = pytest.mark.slow
KILLS = 6


def test_no_acknowledged_correction_is_lost(tmp_path):
    """Three clients write without a pause, and the server is killed in each round; the store must open each time."""
    rng = np.random.default_rng(0)
    acknowledged: set[int] = set()
    sent = 0
    lock = threading.Lock()

    def write(address: str) -> None:
        nonlocal sent
        with httpx.Client(base_url=address, timeout=30) as client:
            while True:
                with lock:
                    sent += 1
                    number = sent
                crop = np.zeros(784, np.uint8)
                crop[:4] = np.frombuffer(np.uint32(number).tobytes(), np.uint8)
                new = {"corrections": [{"crop": crop64(crop), "label": number % 10}]}
                try:
                    if client.post("/v1/corrections", json=new).status_code == 201:
                        with lock:
                            acknowledged.add(number)
                except httpx.TransportError:
                    return

    for kill in range(KILLS):
        server = ServeProcess(tmp_path)
        before = len(acknowledged)
        writers = [threading.Thread(target=write, args=(server.url,)) for _ in range(3)]
        for writer in writers:
            writer.start()
        for _ in range(500):  # until it is writing
            if len(acknowledged) > before:
                break
            time.sleep(0.01)
        time.sleep(float(rng.uniform(0, 0.3)))
        server.process.kill()
        server.process.communicate()
        for writer in writers:
            writer.join()
        store = Store(tmp_path / "a.db")  # quick_check runs here
        kept = {int(np.frombuffer(item.crop.tobytes()[:4], np.uint32)[0]): item.label for item in store.corrections()}
        assert acknowledged <= set(kept), f"kill {kill}: lost {acknowledged - set(kept)}"
        assert all(label == number % 10 for number, label in kept.items())
    assert len(acknowledged) > KILLS
