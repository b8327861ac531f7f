import jax
import pytest

from tendigits.engine import loop as loops


@pytest.fixture
def cache_folder():
    """Set JAX's folder for compiled programs, call `use_compilation_cache`, and return the folder it has then."""
    before = jax.config.jax_compilation_cache_dir

    def used(folder):
        jax.config.update("jax_compilation_cache_dir", folder)
        loops.use_compilation_cache()
        return jax.config.jax_compilation_cache_dir

    yield used
    jax.config.update("jax_compilation_cache_dir", before)


def test_the_cache_keeps_jaxs_folder_and_can_be_disabled(cache_folder, monkeypatch):
    assert cache_folder("mine") == "mine"
    assert cache_folder(None).endswith("tendigits")
    assert jax.config.jax_persistent_cache_min_compile_time_secs == 0  # small programs are cached, too
    monkeypatch.setenv("TENDIGITS_COMPILATION_CACHE", "off")
    assert cache_folder(None) is None
