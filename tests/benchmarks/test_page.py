"""The page: whole, on its own, and the same for people who prefer it dark."""

import re
import shutil
from html.parser import HTMLParser

import pytest
from attrs import evolve
from benchmarks.histogram import Histogram
from benchmarks.page import nines, page
from playwright.sync_api import sync_playwright
from tests.benchmarks.conftest import OUTCOME

_VOID = {"meta", "path", "circle", "rect"}


class Tags(HTMLParser):
    """Sees that every element is closed."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in _VOID:
            assert self.open.pop() == tag


@pytest.mark.parametrize("base", [None, evolve(OUTCOME, answered=500, refused={"busy": 1})])
def test_a_page_is_whole_and_needs_neither_a_script_nor_anything_from_elsewhere(base):
    tags = Tags()
    tags.feed(page(OUTCOME, base))
    assert tags.open == []
    names = {name for name, _ in tags.seen}
    assert not names & {"script", "link", "img", "iframe"}
    assert not [attributes for _, attributes in tags.seen if {"src", "href", "onclick", "onload"} & attributes.keys()]
    assert "url(" not in page(OUTCOME)
    assert "@import" not in page(OUTCOME)
    assert "prefers-color-scheme: dark" in page(OUTCOME)


def test_a_page_shows_percentiles_and_the_course_of_time():
    text = page(OUTCOME)
    for title in ("Latency by percentile", "Answers a second over time", "Latency over time"):
        assert f"<h2>{title}</h2>" in text
    assert text.count("<figure>") == 3
    assert "99.9 %" in text
    assert "Compared" not in text


def test_a_page_compares_by_colour_and_by_number():
    slower = evolve(OUTCOME, answered=500)
    assert re.search(r'<th>answers a second</th>.*class="n bad">0.50', page(slower, OUTCOME))
    assert re.search(r'<th>answers a second</th>.*class="n good">2.00', page(OUTCOME, slower))
    assert re.search(r'<th>latency p50</th>.*class="n">1.00', page(OUTCOME, slower))
    assert "dashed" in page(OUTCOME, slower)


def test_a_page_of_players_who_did_nothing_has_no_plots():
    text = page(evolve(OUTCOME, scenario="idle", options={"connections": 8, "url": ""}, latency=Histogram()))
    assert "<figure>" not in text
    assert "128.0 KiB" in text


def test_what_a_server_says_cannot_become_a_part_of_the_page():
    text = page(evolve(OUTCOME, refused={"<script>alert(1)</script>": 1}, options={**OUTCOME.options, "url": "<b>"}))
    assert "<script" not in text
    assert "<b>" not in text.replace('<div class="tile"><b>', "")


def test_percentiles_stand_by_their_nines():
    places = dict(nines(Histogram.of(number / 1000 for number in range(1, 1001))))
    assert places[0.0] == pytest.approx(0.001, rel=0.002)
    assert places[1.0] == pytest.approx(0.9, rel=0.002)
    assert places[2.0] == pytest.approx(0.99, rel=0.002)
    # Of a thousand values, nothing is known beyond three nines.
    assert max(places) == pytest.approx(3.0)


def test_a_browser_shows_it_light_and_dark(tmp_path):
    path = tmp_path / "index.html"
    path.write_text(page(OUTCOME, OUTCOME), encoding="utf-8")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("this test needs the program chromium on the PATH (.ci/setup installs it)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        colours = []
        for scheme in ("light", "dark"):
            shown = browser.new_page(color_scheme=scheme)
            asked = []
            shown.on("request", lambda request, asked=asked: asked.append(request.url))
            shown.goto(path.as_uri())
            colours.append(shown.evaluate("getComputedStyle(document.body).backgroundColor"))
            assert shown.locator("figure svg[role=img]").count() == 3
            # The grid, at least, is drawn inside of its figure.
            assert shown.locator("figure svg[role=img]").first.bounding_box()["height"] > 100
            assert asked == [path.as_uri()]
        browser.close()
    assert colours[0] != colours[1]
