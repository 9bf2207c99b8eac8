"""Who gets to see the pages of the operator: nobody who came through a proxy, and no browser that was lured."""

import pytest

from support import rawws

PAGES = ["/metrics", "/healthz", "/readyz"]


def status(url, path, **headers):
    """`headers`: with _ for -; None leaves one out."""
    with rawws.RawSocket(url) as raw:
        raw.request("GET", path, {name.replace("_", "-"): value for name, value in headers.items()})
        return raw.answer()[0]


@pytest.mark.parametrize("value", ["203.0.113.1", "127.0.0.1", "", "   ", ",", "nonsense", "x" * 3000])
@pytest.mark.parametrize("name", ["X_Forwarded_For", "x_forwarded_for", "Forwarded", "FORWARDED", "X_Real_IP", "Via"])
def test_a_proxys_header_closes_them_on_the_public_port(service, name, value):
    one = service()
    for path in PAGES:
        assert status(one.url, path) == 200
        assert status(one.url, path, **{name: value}) == 404
    assert status(one.url, "/", **{name: value}) == 200
