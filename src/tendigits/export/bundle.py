"""The page's JavaScript modules as one script, for places that load no modules: a page opened as a file, a notebook.

script = join_modules({"dom.js": text, "strokes.js": text})
"""

import json
import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

IMPORT = r'^import \{([^}]*)\} from "\./([^"]*)";'
EXPORT = r"^export (?:async )?(?:function|const) (\w+)"
"""The forms of imports and exports that the modules may have."""

SERVED = r"<fieldset.*?</fieldset>|<span data-served>.*?</span>|<!-- served -->.*?<!-- /served -->"
"""What in the sections of the server's page needs the server."""


def server_page() -> Traversable:
    """The folder of the server's page, with the modules that others share."""
    return files("tendigits.web") / "page"


def text_of(path: Traversable) -> str:
    """A file of the package."""
    return path.read_text(encoding="utf-8")


def section(name: str) -> str:
    """A section of the server's page, as HTML, with what needs no server."""
    found = re.search(rf'<section id="{name}".*?</section>', text_of(server_page() / "index.html"), re.DOTALL)
    if found is None:
        raise AssertionError(f"the server's page has no section #{name}")
    return re.sub(SERVED, "", found[0], flags=re.DOTALL)


def as_module(name: str, value: Any) -> str:
    """A module that exports a value."""
    return f"export const {name} = {json.dumps(value)};\n"


def join_modules(modules: dict[str, str], result: str = "") -> str:
    """Modules, by their names, as one plain script; each keeps to itself what it does not export.

    Args:
        modules: each after those that it imports.
        result: the module whose exports are the value of the script; "" for none.

    Raises:
        AssertionError: a module imports what no module before it exports.
    """
    exports: dict[str, set[str]] = {}
    plain = []
    for module, text in modules.items():
        for names, path in re.findall(IMPORT, text, re.MULTILINE):
            if missing := set(re.findall(r"\w+", names)) - exports.get(path, set()):
                raise AssertionError(f"{module} imports {', '.join(sorted(missing))} from {path}, which has none")
        exports[module] = set(re.findall(EXPORT, text, re.MULTILINE))
        body = re.sub(r"^export ", "", re.sub(IMPORT, r'const {\1} = modules["\2"];', text, flags=re.M), flags=re.M)
        given = ", ".join(sorted(exports[module]))
        plain.append(f'modules["{module}"] = (() => {{\n{body}return {{ {given} }};\n}})();\n')
    returned = f'return modules["{result}"];\n' if result else ""
    return '(() => {\n"use strict";\nconst modules = {};\n' + "".join(plain) + returned + "})();\n"
