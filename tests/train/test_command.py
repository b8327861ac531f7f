"""What `tendigits train` takes; what it does is in tests/test_cli.py."""

import pytest

from tendigits.errors import UserError
from tendigits.train import command


def test_lists_are_read_and_what_is_none_is_told():
    assert command._listed("512, 64,", "hidden", int) == [512, 64]
    assert command._listed("", "hidden", int) == []
    assert command._listed(None, "hidden", int) is None
    with pytest.raises(
        UserError, match=r"--hidden: expected values with commas between, such as 512,512; received '5x'"
    ):
        command._listed("5x", "hidden", int)


def test_a_run_is_found_by_its_path_or_name(tmp_path):
    with pytest.raises(UserError, match="expected a run folder, there is none at"):
        command._find_run(tmp_path / "nothing", tmp_path)


def test_quiet_and_json_are_two_things():
    with pytest.raises(UserError, match="expected --quiet or --json, received both"):
        command._screen(quiet=True, json=True)


def test_a_host_alone_is_told_what_it_is_of():
    with pytest.raises(UserError, match="--host says which of the --hosts this is; give these, too"):
        command._team(1, None, 0)
    with pytest.raises(UserError, match=r"--hosts: expected FIRST:PORT,SECOND,\.\.\., received '10.0.0.1'"):
        command._team(1, "10.0.0.1", 0)


def test_one_device_is_no_team():
    assert command._team(1, None, None) is None
