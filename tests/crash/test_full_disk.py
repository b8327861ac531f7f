"""A disk that is full while a model or a checkpoint is saved: DiskError, and the old files are unchanged."""

import pytest

from samples import full_disk
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
    (folder := tmp_path / "folder").mkdir()
    save = SAVERS[kind](folder)
    save(1)
    save(2)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    n = len(before[largest])
    for limit in (0, 1, 100, 2048, 10_000, n // 2, n - 5000, n - 100, n - 1):
        with full_disk(limit), pytest.raises(DiskError) as caught:
            save(3)
        message = str(caught.value)
        assert message.startswith(f"cannot write {folder / file}: ")
        assert "File too large" in message
        assert message.endswith("; free some space or choose another folder")
        assert "\n" not in message
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before  # and no temporary file
    save(3)
