"""For test_frozen.py: compare with the files in tests/frozen, or write them; put types for what depends on the machine.

same("json/read", {"page.json": pretty(content)})
"""

import difflib
import inspect
import json
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import get_args

FROZEN = Path(__file__).parent / "frozen"
REWRITE = "TENDIGITS_REWRITE_FROZEN"
VAGUE = {"machine", "confusion_matrix", "mistakes", "wrong", "box", "bytes", "crop", "strip", "layers"}
"""Keys under which numbers and texts depend on the machine; the length of `mistakes` and `wrong`, too."""
EXACT = {"recipe", "settings", "space"}
"""Keys under which all numbers are settings."""
ALWAYS = {"git": "<commit or null>", "precision": "<float or null>", "request_id": "<str>"}
"""What stands in the place of a value whose very type depends on the machine, or that looks like a text of ours."""
TEXTS = {
    r"\b[0-9a-f]{64}\b": "<sha256>", r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*(Z|[+-]\d\d:\d\d)": "<time>",
    r"[\w+/]{400,}=*": "<base64>", r"\S*/pytest-\S*/": "<folder>/",
}  # fmt: skip


def same(part, files, pattern="*.*"):
    """Compare the files of this pattern in a folder of tests/frozen with name -> text, or write them."""
    folder, files = FROZEN / part, {name: text.rstrip() + "\n" for name, text in files.items()}
    if REWRITE in os.environ:
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.glob(pattern):
            path.unlink()
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    frozen = {path.name: path.read_text(encoding="utf-8") for path in folder.glob(pattern)}
    pairs = [(name, frozen.get(name, "").splitlines(), files.get(name, "").splitlines()) for name in frozen | files]
    diff = [line for name, a, b in pairs for line in difflib.unified_diff(a, b, f"{part}/{name}", "now", "", "", 2, "")]
    assert not diff, "\n".join(["changed; if that is wanted: python tests/test_frozen.py", *diff])


def plain(text):
    for pattern, name in TEXTS.items():
        text = re.sub(pattern, name, text)
    return text


def blank(value, key="", vague=False, exact=False):
    """A value of JSON without what depends on the machine."""
    vague, exact = vague or key in VAGUE, exact or key in EXACT
    if key in ALWAYS and not exact:
        return ALWAYS[key]
    if isinstance(value, dict):
        return {k: blank(v, k, vague, exact) for k, v in value.items()}
    if isinstance(value, list):
        items = [blank(item, "", vague, exact) for item in value]
        alike = len(items) > 2 and items[0] != value[0] and items.count(items[0]) == len(items)
        return [items[0], "..." if key in ("mistakes", "wrong") else f"{len(items)} of them"] if alike else items
    if isinstance(value, str) and not vague:
        return plain(value)
    is_kept = value is None or isinstance(value, bool) or exact or (isinstance(value, int) and not vague)
    return value if is_kept else f"<{type(value).__name__}>"


def pretty(value, **how):
    return json.dumps(blank(value, **how), indent=1, ensure_ascii=False)


def pretty_lines(text):
    return pretty([json.loads(line) for line in text.splitlines()])


def words(text):
    """A text for people, without the widths of its columns."""
    return re.sub(r" {2,}", "  ", re.sub(r"\d+\.\d+(e-\d+)?", "<float>", plain(text)))


def describe(exported):
    """Functions and classes, and those that they lead to: parameters and public members, a line each.

    Modules' names are left out, so that a class may move; so are the limits of settings, which the REST API tells.
    """
    todo, lines = [*exported], []
    for each in todo:  # it grows meanwhile
        if isinstance(each, type) and issubclass(each, Exception):
            todo += sorted(each.__subclasses__(), key=lambda error: error.__name__)
            bases = ", ".join(base.__name__ for base in each.__bases__)
            lines += [f"{each.__name__}({bases}): exit_code = {each.exit_code}", ""]
            continue
        signature = inspect.signature(each)
        types = [signature.return_annotation]
        returned = "" if isinstance(each, type) else f"() -> {inspect.formatannotation(types[0])}"
        lines.append(without_modules(f"{each.__name__}{returned}"))
        lines += [f"    {without_modules(without_limits(parameter))}" for parameter in signature.parameters.values()]
        if isinstance(each, type):
            if each not in exported:  # a result, whose parameters are its fields
                types += [parameter.annotation for parameter in signature.parameters.values()]
            for name, member in members(each):
                own = inspect.signature(member)
                types.append(own.return_annotation)
                lines.append(f"    {name}{without_modules(own)}")
        todo += [found for found in classes_in(types, sys.modules[each.__module__]) if found not in todo]
        lines.append("")
    return "\n".join(lines)


def members(cls):
    """Names and functions of public methods and properties that are written in tendigits."""
    for name in sorted(dir(cls)):
        member = inspect.getattr_static(cls, name)
        kind = next((key for key in ("fget", "func", "__func__") if getattr(member, key, None)), None)
        function = member if kind is None else getattr(member, kind)
        if not name.startswith("_") and inspect.isfunction(function) and function.__module__.startswith("tendigits"):
            yield ("" if kind in (None, "__func__") else "property ") + name, function


def classes_in(annotations, module):
    """Classes of tendigits that annotations name, in their order."""
    found = []
    for each in annotations:
        if isinstance(each, str):
            with suppress(Exception):  # a name that is imported for type checkers only, or a text of Literal
                each = eval(each, vars(module))
        if isinstance(each, type) and each.__module__.startswith("tendigits"):
            found.append(each)
        found += classes_in(get_args(each), module)
    return list(dict.fromkeys(found))


def without_limits(parameter):
    return parameter.replace(annotation=parameter.empty) if "Annotated" in str(parameter.annotation) else parameter


def without_modules(signature):
    text = re.sub(r"\b(?:[a-z_]\w*\.)+(?=[A-Za-z_])", "", str(signature))
    text = re.sub(r"ndarray\[.+?, dtype\[(\w+)\]\]", r"NDArray[\1]", text)
    return re.sub(r" at 0x\w+", "", text)
