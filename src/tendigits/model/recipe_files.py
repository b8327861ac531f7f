"""The recipes of the package, and recipes in TOML files.

recipe = load_recipe("classic")            # by name
recipe = load_recipe("mine.toml")          # a file with the settings that differ from classic
text = to_toml(recipe)                     # the text of such a file
"""

import difflib
import json
import re
from itertools import takewhile
from pathlib import Path

from tendigits.errors import RecipeError
from tendigits.model.recipe import Recipe
from tendigits.untrusted import read_toml


def load_recipe(name_or_file: str) -> Recipe:
    """A recipe by its name, or from a TOML file whose keys are fields of `Recipe`.

    Raises:
        RecipeError: no such recipe or file, not TOML, an unknown key or an invalid value.
    """
    if name_or_file in RECIPES:
        return RECIPES[name_or_file]
    path = Path(name_or_file)
    if path.suffix != ".toml":
        near = difflib.get_close_matches(name_or_file, RECIPES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        known = ", ".join(RECIPES)
        raise RecipeError(f"expected a known recipe ({known}) or a .toml file, received {name_or_file!r}{hint}")
    return _from_toml(path)


def to_toml(recipe: Recipe) -> str:
    """The text of a TOML file for `load_recipe`, with the settings that differ from classic."""
    different = {key: json.dumps(value) for key, (value, _) in recipe.differences(Recipe()).items()}
    lines = [f"{key} = {value}" for key, value in different.items() if "." not in key]
    table = [f"{key.partition('.')[2]} = {value}" for key, value in different.items() if "." in key]
    return "\n".join([*lines, *(["", "[augmentation]", *table] if table else []), ""])


def _from_toml(path: Path) -> Recipe:
    try:
        values = read_toml(path)
    except OSError as error:
        raise RecipeError(f"cannot read recipe {path}: {error.strerror}; known recipes: {', '.join(RECIPES)}") from None
    except ValueError as error:  # not TOML, or not even UTF-8
        raise RecipeError(f"recipe {path} is not TOML: {error}") from None
    name = re.sub(r"[^A-Za-z0-9._-]", "-", path.stem).lstrip("._-")[:64] or "mine"
    try:
        return Recipe(**{"name": name, **values})
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from None


def _about(path: Path) -> str:
    """The comment at the top of a recipe file."""
    lines = takewhile(lambda line: line.startswith("#"), path.read_text(encoding="utf-8").splitlines())
    return " ".join(line.removeprefix("#").strip() for line in lines)


_FOLDER = Path(__file__).with_name("recipes")
_FILES = sorted(_FOLDER.glob("*.toml"), key=lambda path: (path.stem != "classic", path.stem))

RECIPES = {path.stem: _from_toml(path) for path in _FILES}  # name -> recipe of the package, classic first
ABOUT = {path.stem: _about(path) for path in _FILES}  # name -> description of the recipe
