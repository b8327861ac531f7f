"""Hooks of MkDocs for the site: addresses, pages from outside docs/, and links and lists as GitHub has them.

make docs
"""

import re
import tomllib
from pathlib import Path
from posixpath import normpath, relpath
from typing import Any

from markdown_it import MarkdownIt
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
PAGES = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "bench/README.md": "bench.md",
    "reader/README.md": "networks.md",
    **{f"reader/cards/{path.name}": f"cards/{path.name}" for path in (ROOT / "reader" / "cards").glob("*.md")},
}
"""Files of the repository -> their pages."""
EXPORTED = {"play": ROOT / ".site" / "play", "digit": ROOT / ".site" / "digit"}
"""Folders of the site -> pages that tendigits export has written; make docs does it."""
FILES = {
    "icon.svg": ROOT / "src" / "tendigits" / "web" / "page" / "icon.svg",
    "assets/iframe-worker.js": ROOT / "node_modules" / "iframe-worker" / "shim" / "index.js",
}
LINK = re.compile(r"(\]\()([^)#\s:]+)((?:#[^)\s]*)?\))")
"""A relative link of Markdown: before, its path, and the rest."""
INDENTATION = 4
"""Of what belongs to an item of a list, as Python-Markdown wants it."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Take the addresses from pyproject.toml, the only place that has them."""
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]
    config.site_url, config.repo_url = urls["Documentation"], urls["Repository"]
    config.repo_name = urls["Repository"].removeprefix("https://github.com/")
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and files from outside docs/."""
    added = {page: ROOT / source for source, page in PAGES.items()} | FILES
    for folder, exported in EXPORTED.items():
        added |= {f"{folder}/{path.name}": path for path in exported.iterdir()}
    for uri, source in added.items():
        files.append(File.generated(config, uri, abs_src_path=str(source)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, **_: Any) -> str:
    """Write links and lists for MkDocs."""
    source = {uri: path for path, uri in PAGES.items()}.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    linked = LINK.sub(lambda link: link[1] + target_of(link[2], source, config.repo_url or "") + link[3], markdown)
    return indent_lists(linked)


def target_of(path: str, source: str, repository: str) -> str:
    """Where a link of the file `source` leads on the site: to a page, or to the repository. Unknown ones stay."""
    target = normpath(f"{Path(source).parent.as_posix()}/{path}")
    page = PAGES.get(target) or (target.removeprefix("docs/") if target.startswith("docs/") else None)
    if page is not None:
        return relpath(page, Path(PAGES.get(source, source.removeprefix("docs/"))).parent.as_posix())
    return f"{repository}/blob/main/{target}" if (ROOT / target).exists() else path


def indent_lists(markdown: str) -> str:
    """Indent the contents of list items by four and put empty lines before lists, as Python-Markdown wants them."""
    lines = markdown.split("\n")
    more, starts = [0] * len(lines), set()
    for token in MarkdownIt().enable("table").parse(markdown):
        if token.map and token.type == "list_item_open":
            first, end = token.map
            marker = re.match(r"[\s>]*(?:[-*+]|\d+[.)])\s+", lines[first])
            nested = len(marker[0]) - len(marker[0].lstrip()) if marker else 0
            for i in range(first + 1, end):
                more[i] += max(0, INDENTATION - (len(marker[0]) - nested if marker else 0))
            if first and lines[first - 1].strip().startswith("```"):
                starts.add(first)
        elif token.map and token.type in ("bullet_list_open", "ordered_list_open") and token.level == 0:
            starts.add(token.map[0])
    return "\n".join(
        ("\n" if i in starts and i and lines[i - 1].strip() else "") + (" " * more[i] if line.strip() else "") + line
        for i, line in enumerate(lines)
    )
