def test_the_name_is_one_of_a_folder(run_cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "space.toml").write_text("epochs = [2, 3]")
    code, _, errors = run_cli("sweep", "--space", "space.toml", "--name", tmp_path, "--data", "missing.npz")
    assert (code, "expected a plain name for the run" in errors) == (2, True)


def test_ctrl_c_explains_how_to_continue(run_cli, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tendigits.sweep.study.search", interrupted)
    (tmp_path / "space.toml").write_text("epochs = [2, 3]")
    line = "tendigits: interrupted by SIGINT; run the same command again to continue\n"
    assert run_cli("sweep", "--space", "space.toml") == (130, "", line)
