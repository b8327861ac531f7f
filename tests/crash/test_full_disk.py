"""A disk that is full while a model or a checkpoint is saved: DiskError, and the old files are unchanged."""

import resource
import signal

import pytest

from saver import SAVERS
from tendigits.errors import DiskError


@pytest.mark.parametrize(
    ("kind", "largest", "file"),
    [
        pytest.param("models", "model.keras", "model.keras", marks=pytest.mark.slow),
        ("checkpoints", "epoch-0002.npz", "epoch-0003.npz"),
    ],
)
def test_a_full_disk_while_saving(tmp_path, kind, largest, file):
    """A limit on file sizes stops a write like a full disk, but at a known byte."""
    (folder := tmp_path / "folder").mkdir()
    save = SAVERS[kind](folder)
    save(1)
    save(2)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    n, unlimited = len(before[largest]), (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    for limit in (0, 1, 100, 2048, 10_000, n // 2, n - 5000, n - 100, n - 1):
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            with pytest.raises(DiskError) as caught:
                save(3)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        message = str(caught.value)
        assert message.startswith(f"cannot write {folder / file}: ")
        assert "File too large" in message
        assert message.endswith("; free some space or choose another folder")
        assert "\n" not in message
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before  # and no temporary file
    signal.signal(signal.SIGXFSZ, handler)
    save(3)
