"""What looks at the site of the documents finds what is wrong with it."""

import importlib.util

import pytest

from support import programs

spec = importlib.util.spec_from_file_location("site_links", programs.ROOT / "docs" / "links.py")
links = importlib.util.module_from_spec(spec)
spec.loader.exec_module(links)

GOOD = '<h1 id="top">A</h1><a href="#top">up</a><a href="b.html#x">b</a><a href="https://example.org/">out</a><img src="data:image/png;base64,">'


def look(folder, **files):
    (folder / "b.html").write_text('<p id="x">B</p>')
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return list(links.Site(folder).problems())


def test_a_good_site_has_no_problem(tmp_path):
    assert look(tmp_path, a_html=GOOD) == []
    assert links.report(tmp_path) == 0


@pytest.mark.parametrize(
    "bad, why",
    [
        ('<a href="c.html">c</a>', "c.html leads nowhere"),
        ('<a href="../c.html">c</a>', "../c.html leads nowhere"),
        ('<a href="/b.html">b</a>', "/b.html leads nowhere"),
        ('<a href="b.html#y">b</a>', "b.html#y names no place there"),
        ('<a href="#y">here</a>', "#y names no place there"),
        ('<img src="gone.svg">', "gone.svg leads nowhere"),
        ('<img src="https://example.org/a.png">', "https://example.org/a.png is loaded from elsewhere"),
        ('<script src="//example.org/a.js"></script>', "//example.org/a.js is loaded from elsewhere"),
        ('<link rel="stylesheet" href="https://example.org/a.css">', "a.css is loaded from elsewhere"),
        ('<link rel="preconnect" href="https://fonts.example.org">', "is loaded from elsewhere"),
        ("<style>@import 'https://example.org/a.css';</style>", "is loaded from elsewhere"),
        ("<style>p { background: url(https://example.org/a.png) }</style>", "is loaded from elsewhere"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, bad, why):
    (found,) = look(tmp_path, a_html=GOOD + bad)
    assert why in found
    assert links.report(tmp_path) == 1


def test_a_style_sheet_is_looked_at(tmp_path):
    (found,) = look(tmp_path, a_html=GOOD, a_css='@import url("https://example.org/b.css");')
    assert "is loaded from elsewhere" in found
