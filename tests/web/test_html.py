"""The HTML that is put together from fragments, and modules that become one script."""

import re
import subprocess

from tendigits.web import pages
from tendigits.web.pages import draw_view, index_html, join_modules


def test_the_pages_have_no_placeholder_left_and_each_id_once():
    for html in (index_html(), draw_view("Draw a digit")):
        assert "$" not in html
        ids = re.findall(r'\bid="([^"]*)"', html)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r'\b(?:for|aria-labelledby|aria-describedby)="([^"]*)"', html)) <= set(ids)
    assert "draw-correct" not in draw_view("Draw a digit")


def test_modules_become_one_script(monkeypatch):
    two = """import { a } from "../a/one.js";
import { c } from "./data.js";
import {
  b,
} from "../a/one.js";

const own = 2;
b().then((d) => console.log(a, c, d, own));
export const done = true;
"""
    one = "const own = 1;\nexport const a = own;\nexport async function b() {\n  return a;\n}\n"
    texts = {"a/one.js": one, "c/two.js": two}
    monkeypatch.setattr(pages, "text_of", texts.get)
    script = join_modules("c/two.js", {"c/data.js": "export const c = 3;\n"})
    ended = subprocess.run(["node", "-p", script], text=True, capture_output=True, check=True)
    assert ended.stdout == "{ done: true }\n1 3 1 2\n"
