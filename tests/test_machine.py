import subprocess

import pytest

from tendigits.machine import describe_commit, has_bfloat16


@pytest.mark.parametrize(
    ("cpuinfo", "expected"),
    [
        ("model name\t: Xeon\nflags\t\t: fpu avx512f avx512_bf16 amx_tile\n", True),
        ("processor\t: 0\nFeatures\t: fp asimd i8mm bf16\n", True),
        ("model name\t: older\nflags\t\t: fpu sse2 avx2\n", False),
        ("processor\t: 0\n", True),
    ],
    ids=["x86", "arm", "without", "unknown"],
)
def test_whether_the_processor_has_bfloat16(cpuinfo, expected, tmp_path):
    (tmp_path / "cpuinfo").write_text(cpuinfo)
    assert has_bfloat16(tmp_path / "cpuinfo") is expected
    assert has_bfloat16(tmp_path / "none")


def test_commit_of_a_checkout_and_of_none(tmp_path):
    assert describe_commit(tmp_path / "nothing") is None
    assert describe_commit(tmp_path) is None

    def git(*arguments):
        identity = ("-c", "user.name=t", "-c", "user.email=t@t")
        done = subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "-q")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "-qm", "first")
    commit = git("rev-parse", "HEAD")
    assert describe_commit(tmp_path) == {"commit": commit, "changed": False}
    (tmp_path / "file").write_text("2")
    assert describe_commit(tmp_path) == {"commit": commit, "changed": True}
