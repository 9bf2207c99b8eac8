"""Makes the site of all documents, with the reference of each language:  build.py BUILD-FOLDER SITE-FOLDER   (make docs)

The documents stay where they are. Their copies are staged in BUILD-FOLDER/docs, with links that lead within the site, and pictures for
what is written in Mermaid; MkDocs makes pages of them. Doxygen, pdoc and TypeDoc make the references, from the headers, the docstrings and
the declarations. links.py looks at the result.
"""

import os
import posixpath
import re
import shutil
import subprocess
import sys
from pathlib import Path

import links

HERE = Path(__file__).resolve().parent
TOP = HERE.parent

# Where a document is in the site, and what leads to it.
PAGES = {
    "docs/index.md": "index.md",
    "docs/pictures.md": "pictures.md",
    "docs/for/dapp.md": "for/dapp.md",
    "docs/for/script.md": "for/script.md",
    "docs/for/operator.md": "for/operator.md",
    "docs/for/c.md": "for/c.md",
    "README.md": "about.md",
    "bindings/node/README.md": "node/index.md",
    "bindings/node/MIGRATION.md": "node/migration.md",
    "bindings/node/lib/processor/README.md": "node/runner.md",
    "bindings/node/lib/processor/testing.md": "node/testing.md",
    "bindings/node/lib/processor/live.md": "node/live.md",
    "bindings/node/examples/dapp/README.md": "node/dapp.md",
    "bindings/python/README.md": "python/index.md",
    "bindings/go/README.md": "go/index.md",
    **{f"core/docs/{path.name}": f"core/{path.name.replace('README', 'index')}" for path in sorted((TOP / "core/docs").glob("*.md"))},
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "RELEASING.md": "releasing.md",
    "packaging/README.md": "project/packaging.md",
    "tests/bench/README.md": "project/bench.md",
    "tests/chaos/README.md": "project/chaos.md",
    "tests/hostile/README.md": "project/hostile.md",
}
LEFT_OUT = {"packaging/programs.md", "packaging/static.md"}  # they stand in archives
PAGES = {source: page for source, page in PAGES.items() if (TOP / source).exists()}
REFERENCES = ("c", "python", "node")


def run(*words, **how):
    done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **how)
    if done.returncode != 0:
        sys.exit(f"{done.stdout[-4000:]}\nfailed: {words[0]}")


# ---- stage ----


class Stage:
    def __init__(self, build):
        self.build = build
        self.folder = build / "src"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.pictures = 0

    def target(self, source, page, link):
        """Where a link of the document leads within the site; None: nowhere."""
        if re.match(r"[a-z]+://|mailto:", link):
            return link
        if link.startswith("reference:"):
            return posixpath.relpath(f"reference/{link.partition(':')[2]}/index.html", posixpath.dirname(page) or ".")
        name, hash_mark, anchor = link.partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), name)) if name else source
        if (TOP / path).is_dir() and f"{path}/README.md" in PAGES:
            path += "/README.md"
        if path in PAGES:
            found = PAGES[path]
        elif (TOP / path).is_file():  # a source: its text; a picture as it is
            found = f"files/{path}" if path.endswith(".png") else f"files/{path}.txt"
            (self.folder / found).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(TOP / path, self.folder / found)
        else:
            return None
        return posixpath.relpath(found, posixpath.dirname(page) or ".") + hash_mark + anchor

    def relink(self, source, page, text):
        def replace(found):
            target = self.target(source, page, found.group(2))
            return found.group(1) if target is None else f"[{found.group(1)}]({target})"

        return re.sub(r"\[([^\]]*(?:\][^\](]*)?)\]\(([^)\s]+)\)", replace, text)

    def picture(self, page, heading, text):
        self.pictures += 1
        name = f"pictures/{self.pictures}"
        mermaid = self.build / f"{self.pictures}.mmd"
        mermaid.write_text(text)
        (self.folder / "pictures").mkdir(exist_ok=True)
        run(self.build / "npm/node_modules/.bin/mmdc", "-q", "-i", mermaid, "-o", self.folder / f"{name}.svg", "-c", HERE / "mermaid.json",
            "-p", self.build / "puppeteer.json", "-I", f"picture-{self.pictures}")  # fmt: skip
        return f"![{heading}]({posixpath.relpath(f'{name}.svg', posixpath.dirname(page) or '.')})\n"

    def document(self, source, page):
        """Piece by piece: what stands in fences is left as it is, but for pictures."""
        parts, heading = [], ""
        for part in re.split(r"(^```.*?^```$\n?)", (TOP / source).read_text(), flags=re.M | re.S):
            if part.startswith("```mermaid"):
                parts.append(self.picture(page, heading, part.split("\n", 1)[1].rsplit("```", 1)[0]))
            elif part.startswith("```"):
                parts.append(part)
            else:
                heading = ([heading] + re.findall(r"^#+ (.*)$", part, re.M))[-1]
                parts.append(self.relink(source, page, part))
        into = self.folder / page
        into.parent.mkdir(parents=True, exist_ok=True)
        into.write_text("".join(parts))


# ---- tools ----


def node_tools(build):
    """Packages of npm, once and again when the lock file changes; nothing of theirs is run but what is called here."""
    folder = build / "npm"
    folder.mkdir(parents=True, exist_ok=True)
    lock = (HERE / "package-lock.json").read_bytes()
    installed = folder / "node_modules/.installed"
    if installed.exists() and installed.read_bytes() == lock:
        return
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", cwd=folder,
        env={**os.environ, "PUPPETEER_SKIP_DOWNLOAD": "1"})  # fmt: skip
    installed.write_bytes(lock)


def python_tools(build):
    """A virtual environment with what makes pages, and with the binding, whose docstrings pdoc asks for. The interpreter's folder."""
    folder = build / "venv"
    if not (folder / "bin/python").exists():
        run(sys.executable, "-m", "venv", folder)
    quiet = (folder / "bin/pip", "install", "-q", "--disable-pip-version-check")
    run(*quiet, "-r", HERE / "requirements.txt")
    run(*quiet, "--force-reinstall", TOP / "bindings/python", env={**os.environ, "CFLAGS": "-O0 -g0"})
    return folder / "bin"


def chromium(build):
    found = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
    if not found:
        sys.exit("make docs: no chromium, which draws the pictures")
    (build / "puppeteer.json").write_text(f'{{"executablePath": "{found}", "args": ["--no-sandbox"]}}')


# ---- references ----


def reference_c(into):
    settings = (HERE / "Doxyfile").read_text() + f"INPUT = {TOP / 'core/include/acurast'}\nOUTPUT_DIRECTORY = {into.parent}\n"
    settings += f"HTML_OUTPUT = {into.name}\nINPUT_FILTER = \"{sys.executable} {HERE / 'doxygen_filter.py'}\"\n"
    settings += f"PROJECT_NUMBER = {re.search(r'ACURAST_VERSION .(.*).$', (TOP / 'core/include/acurast/version.h').read_text(), re.M).group(1)}\n"
    run("doxygen", "-", input=settings, cwd=TOP)


def reference_python(tools, into):
    run(tools / "pdoc", "--no-show-source", "-o", into, "acurast")


def reference_node(build, into):
    node = TOP / "bindings/node"
    entries = [node / name for name in ("index.d.ts", "acurast-processor.d.ts", "lib/compat/index.d.ts")]
    run(build / "npm/node_modules/.bin/typedoc", "--tsconfig", HERE / "tsconfig.json", "--skipErrorChecking", "--readme", "none", "--name",
        "acurast for Node", "--disableSources", "--hideGenerator", "--out", into, "--logLevel", "Error", *entries)  # fmt: skip


def check_complete():
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=TOP, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    forgotten = sorted(set(listed) - set(PAGES) - LEFT_OUT)
    if forgotten:
        sys.exit(f"make docs: no place in the site for {', '.join(forgotten)}")


def main():
    check_complete()
    build, site = Path(sys.argv[1]).resolve() / "docs", Path(sys.argv[2]).resolve()
    build.mkdir(parents=True, exist_ok=True)
    node_tools(build)
    tools = python_tools(build)
    chromium(build)
    stage = Stage(build)
    for source, page in PAGES.items():
        stage.document(source, page)
    for name in REFERENCES:  # a place for the links, until the reference is there
        (stage.folder / f"reference/{name}").mkdir(parents=True)
        (stage.folder / f"reference/{name}/index.html").write_text("")
    environment = {**os.environ, "ACURAST_DOCS": str(stage.folder), "ACURAST_SITE": str(site)}
    run(tools / "mkdocs", "build", "--strict", "--quiet", "--clean", "-f", HERE / "mkdocs.yml", env=environment)
    (site / "404.html").unlink()  # its links are for the root of a server, and this site may be anywhere
    shutil.rmtree(site / "reference")
    (site / "reference").mkdir()
    reference_c(site / "reference/c")
    reference_python(tools, site / "reference/python")
    reference_node(build, site / "reference/node")
    sys.exit(links.report(site))


if __name__ == "__main__":
    main()
