"""The HTML of the pages from its fragments, and JavaScript modules as one script for pages that can't load modules.

html = documents()["/"]                           # the server's page
script = join_modules("notebook/pad.js")          # that module and all that it imports
"""

import json
import posixpath
import re
from collections.abc import Mapping
from importlib.resources import files
from string import Template
from typing import Any

WEB = files("tendigits.web")
"""The folder of the web files; the names of files below are relative to it."""

IMPORT = r'^import \{([^}]*)\} from "([^"]*)";'
EXPORT = r"^export (?:async )?(?:function|const|class) (\w+)"
"""The only forms of imports and exports that the modules use."""


def text_of(name: str) -> str:
    """The text of a web file."""
    return WEB.joinpath(name).read_text(encoding="utf-8")


def fragment(name: str, **parts: str) -> str:
    """A fragment of the server's page as HTML, with `parts` in place of its `$placeholders`."""
    return Template(text_of(f"page/{name}.html")).substitute(parts)


def draw_view(title: str) -> str:
    """The drawing pad with its prediction and layers; the title also invites to draw."""
    return fragment("draw/draw", title=title)


def head(title: str, styles: str = "style.css", scheme: str = "light dark") -> str:
    """The beginning of a document, until its scripts."""
    return fragment("head", title=f"{title} · tendigits", styles=styles, scheme=scheme)


def documents() -> dict[str, str]:
    """The server's documents as HTML, by their paths; the first one has all views and dialogs."""
    docs_header = fragment("header", home="./", current=' aria-current="page"')
    form, filled, grid = fragment("form/form"), fragment("form/filled"), fragment("grid/grid")
    sheet = fragment("sheet/sheet")
    index = fragment(
        "index",
        head=head("Draw a digit or a number"),
        header=fragment("header", home="", current=""),
        draw=draw_view("Draw a digit or a number"),
        read=fragment("read/read", form=form, filled=filled, grid=grid, sheet=sheet),
        play=fragment("play/play"),
        teach=fragment("teach/teach"),
        runs=fragment("runs/runs"),
        correct=fragment("correct/correct"),
    )
    return {
        "/": index,
        "/index.html": index,
        "/phone.html": fragment("phone", head=head("Send a photo")),
        "/try.html": fragment("try", head=head("What to try first", "try.css", "light")),
        "/lesson.html": fragment("lesson", head=head("A lesson of 45 minutes", "try.css", "light")),
        "/docs": fragment("docs", head=head("REST API", scheme="light"), header=docs_header),
    }


def as_module(name: str, value: Any) -> str:
    """The text of a module that exports a value."""
    return f"export const {name} = {json.dumps(value)};\n"


def join_modules(entry: str, replaced: Mapping[str, str] | None = None) -> str:
    """A module and all that it imports as one plain script, whose value is what the module exports.

    Args:
        entry: name of the module.
        replaced: texts that stand in for those of files, by name.
    """
    modules: dict[str, str] = {}

    def add(name: str) -> None:
        def imported(found: re.Match[str]) -> str:
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), found[2]))
            if path not in modules:
                add(path)
            return f'const {{{found[1]}}} = modules["{path}"];'

        text = (replaced or {}).get(name) or text_of(name)
        exports = ", ".join(re.findall(EXPORT, text, re.MULTILINE))
        body = re.sub(r"^export ", "", re.sub(IMPORT, imported, text, flags=re.MULTILINE), flags=re.MULTILINE)
        modules[name] = f'modules["{name}"] = (() => {{\n{body}return {{ {exports} }};\n}})();\n'

    add(entry)
    script = f'"use strict";\nconst modules = {{}};\n{"".join(modules.values())}return modules["{entry}"];\n'
    return f"(() => {{\n{script}}})();\n"
