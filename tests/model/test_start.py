import subprocess
import sys

from tendigits.model.start import UNUSED


def imported_after(code: str) -> set[str]:
    print_modules = "import sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; {print_modules}"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_keras_alone_is_imported_and_the_others_can_be_later():
    modules = imported_after("from tendigits.model.start import import_keras; import_keras()")
    assert "keras" in modules
    assert not modules & set(UNUSED)
    again = "from tendigits.model.start import import_keras; import_keras(); import matplotlib.pyplot, pandas, sklearn"
    assert {"matplotlib.pyplot", "pandas", "sklearn"} <= imported_after(again)


def test_what_is_there_stays():
    code = "import pandas, tendigits.model.start as start; start.import_keras(); assert pandas.DataFrame"
    assert {"pandas", "keras"} <= imported_after(code)


def test_the_stages_need_none_of_them():
    code = "from tendigits.model.start import import_keras; import_keras(); import tendigits.train.pipeline"
    assert not imported_after(code) & {*UNUSED, "scipy.stats"}
