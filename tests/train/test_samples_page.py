import re
from html.parser import HTMLParser

import pytest

from tendigits.model.recipe import Recipe
from tendigits.train.pipeline import run_recipe

VOID = {"meta", "link", "img", "br", "hr", "path", "circle", "rect"}


class Balance(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.wrong = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID and (not self.open or self.open.pop() != tag):
            self.wrong.append(tag)


@pytest.fixture(scope="module")
def page(small_npz, tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    run_recipe(Recipe(name="cnn", convolutions=("4x5/2",), hidden=(), epochs=1), small_npz, runs=runs, name="judge")
    gan = Recipe(name="gan", latent=4, hidden=(8,), epochs=10, restore_best=False, patience=99)
    return (run_recipe(gan, small_npz, runs=runs, name="g").run.path / "report.html").read_text()


def test_some_epochs_are_shown_the_first_and_the_last_among_them(page):
    shown = [int(number) for number in re.findall(r"<figcaption>Epoch (\d+)</figcaption>", page)]
    assert shown[0] == 1
    assert shown[-1] == 10
    assert len(shown) <= 8


def test_it_says_how_good_they_are(page):
    assert re.search(r"<h1>gan: [\d.]+% of 200 digits read as they were meant</h1>", page)
    assert "Fréchet distance to the test digits" in page
    assert "run judge" in page
    assert page.count("<svg viewBox") >= 2  # the two losses


def test_it_is_one_page_that_asks_for_nothing(page):
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert not [source for source in sources if source.startswith(("http", "//"))]
    assert "default-src 'none'" in page
    balance = Balance()
    balance.feed(page)
    assert (balance.open, balance.wrong) == ([], [])
