"""What is done to the documents for the site, and the site in a browser, without a server or a network."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import markdown
import pytest
from markdown_it import MarkdownIt
from playwright.sync_api import expect, sync_playwright

import site_pages

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "text",
    [
        "1. one\n\n   ```sh\n   make\n   ```\n2. two\n",
        "- one\n  more of it\n  - inner\n    more\n- two\n",
        "before\n- one\n- two\n",
        "10. ten\n\n    more\n\nafter\n",
    ],
    ids=["code in an item", "a list in an item", "no empty line before", "two figures"],
)
def test_lists_are_read_as_github_reads_them(text):
    """CommonMark's own parser is the oracle; the texts agree but for spaces and the classes of code."""
    ours = markdown.markdown(site_pages.indent_lists(text), extensions=["sane_lists", "pymdownx.superfences"])
    theirs = MarkdownIt().render(text)
    for tag in ("li>", "ul>", "ol", "<code"):
        assert ours.count(tag) == theirs.count(tag), ours


@pytest.mark.parametrize(
    ("link", "source", "target"),
    [
        ("../bench/README.md", "docs/results.md", "bench.md"),
        ("../docs/guide.md", "reader/README.md", "guide.md"),
        ("results/speed.md", "bench/README.md", "https://x.org/a/blob/main/bench/results/speed.md"),
        ("../notebooks/gan.ipynb", "docs/guide.md", "https://x.org/a/blob/main/notebooks/gan.ipynb"),
        ("docs/nginx.conf", "SECURITY.md", "nginx.conf"),
        ("missing.py", "reader/README.md", "missing.py"),  # MkDocs says so
    ],
)
def test_links_lead_to_pages_or_into_the_repository(link, source, target):
    assert site_pages.target_of(link, source, "https://x.org/a") == target


@pytest.fixture(scope="module")
def site():
    """The site as make docs builds it, opened as a file, with no network."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "MAKE"))}
    subprocess.run(["make", "docs"], cwd=ROOT, env=environment, check=True, capture_output=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto((ROOT / "site" / "index.html").as_uri())
        yield page
        browser.close()
        assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.mark.slow
def test_the_search_needs_no_server(site):
    site.click(".md-search__input")
    site.keyboard.type("calibrated")
    site.locator(".md-search-result__item", has_text="Guide").locator("a").first.click()
    expect(site.locator("h1")).to_contain_text("Guide")
    site.goto((ROOT / "site" / "index.html").as_uri())


@pytest.mark.slow
def test_a_visitor_trains_a_network_with_two_clicks(site):
    """Within ten seconds, if nothing else runs on the machine."""
    arrived = time.monotonic()
    site.goto((ROOT / "site" / "index.html").as_uri())
    site.get_by_role("link", name="Train a network here, now").click()
    site.click("#play-epoch")
    site.locator("#figures-a td >> nth=1", has_text="1.00").wait_for(timeout=60_000)
    assert float(site.locator("#figures-a td >> nth=4").inner_text().rstrip("%")) > 80
    assert time.monotonic() - arrived < 40
