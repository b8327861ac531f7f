import subprocess

from tendigits.machine import describe_commit


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
