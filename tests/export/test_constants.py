"""The JavaScript of the page takes every number that a stage is made of from the Python module."""

import json
import re
from importlib.resources import files

from tendigits.export.constants import constants
from tendigits.numbers import finder

PAGE = files("tendigits.export") / "page"
USE = r'^const \{ ([^}]*) \} = constants\["([^"]*)"\];$'
MODULES = [*PAGE.glob("*.js"), *PAGE.glob("worker/*.js")]


def test_they_are_those_of_the_modules_and_fit_into_json():
    known = constants()
    assert known["lines.finder"]["LEAST"] == finder.LEAST
    assert json.loads(json.dumps(known))["lines.views"]["LOOKS"][1] == {"scale": 0.9, "stretch": 1.0, "lean": -0.15}


def test_the_script_uses_only_constants_that_there_are():
    known, used = constants(), 0
    for module in MODULES:
        for names, of in re.findall(
            r'^const \{ ([^}]*) \} = constants\["([^"]*)"\];$', module.read_text(), re.MULTILINE
        ):
            assert set(names.split(", ")) <= set(known[of]), module.name
            used += 1
    assert used > 15
    assert used == sum(module.read_text().count("constants[") for module in MODULES)
