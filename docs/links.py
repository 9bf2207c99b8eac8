"""Looks at a site:  links.py FOLDER

Each link within it leads to a file, and to a place in it where it names one, but for places within a reference, which are a matter of the
tool that made it. No page loads anything from elsewhere; links that somebody has to click on may lead out.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "audio": "src", "video": "src", "embed": "src", "object": "data"}
LOADING = {"stylesheet", "icon", "preload", "modulepreload", "preconnect", "dns-prefetch", "manifest", "shortcut"}


class Page(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.names, self.links, self.loads, self.text = set(), set(), set(), []
        self.feed(path.read_text(encoding="utf-8", errors="replace"))

    def handle_starttag(self, tag, attributes):
        told = dict(attributes)
        self.names |= {told[key] for key in ("id", "name") if told.get(key)}
        if tag in LOADED and told.get(LOADED[tag]):
            self.loads.add(told[LOADED[tag]])
        if tag == "link" and LOADING & set((told.get("rel") or "").split()):
            self.loads.add(told.get("href") or "")
        if tag in ("a", "area") and told.get("href"):
            self.links.add(told["href"])

    def handle_data(self, data):
        if self.lasttag == "style":
            self.loads |= set(loads_of_style(data))


def loads_of_style(text):
    found = re.findall(r"""url\(\s*["']?([^"')\s]+)|@import\s+["']([^"']+)""", text)
    return [by_url or by_import for by_url, by_import in found]


def is_elsewhere(link):
    return bool(urlsplit(link).scheme or urlsplit(link).netloc)


class Site:
    def __init__(self, folder):
        self.folder = folder
        self.pages = {path.resolve(): Page(path) for path in folder.rglob("*.html")}

    def problem(self, path, link):
        """What is wrong with a link within the site, or None."""
        parts = urlsplit(link)
        to = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
        if to.is_dir():
            to /= "index.html"
        if not to.is_relative_to(self.folder.resolve()) or not to.exists():
            return "leads nowhere"
        anchor = unquote(parts.fragment)
        checked = to in self.pages and "reference" not in to.relative_to(self.folder.resolve()).parts
        if anchor and checked and anchor not in self.pages[to].names and not anchor.startswith(("!", ":~:")):
            return "names no place there"
        return None

    def problems(self):
        for path, page in sorted(self.pages.items()):
            where = path.relative_to(self.folder.resolve())
            for load in sorted(page.loads):
                if load.startswith(("data:", "javascript:")):
                    continue
                trouble = "is loaded from elsewhere" if is_elsewhere(load) else self.problem(path, load)
                if trouble:
                    yield f"{where}: {load} {trouble}"
            for link in sorted(page.links):
                trouble = None if is_elsewhere(link) else self.problem(path, link)
                if trouble:
                    yield f"{where}: {link} {trouble}"
        for style in sorted(self.folder.rglob("*.css")):
            for load in loads_of_style(style.read_text(encoding="utf-8", errors="replace")):
                if is_elsewhere(load) and not load.startswith("data:"):
                    yield f"{style.relative_to(self.folder)}: {load} is loaded from elsewhere"


def report(folder):
    site = Site(Path(folder))
    found = list(site.problems())
    print("\n".join(found + [f"{len(site.pages)} pages, {len(found)} problems"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(report(sys.argv[1]))
