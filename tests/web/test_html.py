"""The HTML that is put together from fragments."""

import re

from tendigits.web.pages import documents, draw_view


def test_the_pages_have_no_placeholder_left_and_each_id_once():
    for html in (*documents().values(), draw_view("Draw a digit")):
        assert "$" not in html
        ids = re.findall(r'\bid="([^"]*)"', html)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r'\b(?:for|aria-labelledby|aria-describedby)="([^"]*)"', html)) <= set(ids)
