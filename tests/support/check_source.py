"""Rules that no compiler checks, as tests about the repository. `python3 tests/support/check_source.py RULE`

Each rule prints its offenders as path:line: what, and the exit status says whether there were any.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "core" / "src"
MAX_FUNCTION_LINES = 80
MAX_FILE_LINES = 700

# What a layer's files may include, beside their own folder and the public headers. The arrows point down only.
LAYERS = {
    "base": set(),
    "crypto": {"base"},
    "wire": {"base"},
    "protocol": {"base", "crypto", "wire"},
    "rpc": {"base", "wire"},
    "net": {"base", "wire"},
    "client": {"base", "crypto", "wire", "protocol", "rpc", "net"},
    "service": {"base", "crypto", "wire", "protocol", "net"},
    "api": {"base", "crypto", "wire", "protocol", "rpc", "net", "client", "service"},
}
# Foreign headers, and the layers that may know them.
FOREIGN = {
    r"uv\.h": {"net"},
    r"openssl/.*": {"crypto", "net"},
    r"msgpack.*": {"wire", "rpc"},
    r"yajl/.*": {"rpc"},
    r"sodium.*": {"base", "crypto", "net", "rpc", "client", "service"},  # the protocol has no randomness of its own
}


def tracked(*suffixes):
    listing = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                             cwd=ROOT, check=True, capture_output=True).stdout
    names = [name for name in listing.decode().split("\0") if name.endswith(suffixes) and (ROOT / name).is_file()]
    return [ROOT / name for name in sorted(names)]


def lines_of(path):
    return path.read_text(encoding="utf-8").splitlines()


def at(path, number, what):
    return f"{path.relative_to(ROOT)}:{number}: {what}"


def without_comments(text):
    """The text with comments and literals blanked, and every line where it was."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r"/\*.*?\*/|//[^\n]*|`[^`]*`|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", blank, text, flags=re.S)


def layering():
    """Includes point down, and foreign headers stay in their layers; programs know the public headers alone."""
    for path in tracked(".c", ".h"):
        if SOURCES in path.parents:
            yield from layer_offences(path)
        elif ROOT / "core" / "tools" in path.parents or ROOT / "core" / "examples" in path.parents:
            for number, line in enumerate(lines_of(path), 1):
                if re.match(r'\s*#\s*include\s+"(base|crypto|wire|protocol|rpc|net|client|service|api)/', line):
                    yield at(path, number, "a program includes an internal header")


def layer_offences(path):
    layer = path.relative_to(SOURCES).parts[0]
    for number, line in enumerate(lines_of(path), 1):
        include = re.match(r'\s*#\s*include\s+["<]([^">]+)[">]', line)
        if not include:
            continue
        name = include.group(1)
        target = name.split("/")[0]
        if target in LAYERS and target != layer and target not in LAYERS[layer]:
            yield at(path, number, f"{layer} includes {name}")
        for pattern, allowed in FOREIGN.items():
            if re.fullmatch(pattern, name) and layer not in allowed:
                yield at(path, number, f"{layer} includes <{name}>")


def allocation():
    """One door for memory: nothing but base/memory.c calls the allocator."""
    call = re.compile(r"(?<![\w.>])(malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf|vasprintf)\s*\(")
    for path in tracked(".c", ".h"):
        if SOURCES not in path.parents or path == SOURCES / "base" / "memory.c":
            continue
        for number, line in enumerate(without_comments(path.read_text(encoding="utf-8")).splitlines(), 1):
            if call.search(line):
                yield at(path, number, f"calls {call.search(line).group(1)}() past base/memory.h")


def length():
    """Functions of at most 80 lines, files of at most 700."""
    for path in tracked(".c", ".h", ".go"):
        lines = without_comments(path.read_text(encoding="utf-8")).splitlines()
        if len(lines) > MAX_FILE_LINES:
            yield at(path, len(lines), f"the file has {len(lines)} lines")
        start = None
        for number, line in enumerate(lines, 1):
            if line == "{" and number > 1 or re.match(r"func .*\{ *$", line):
                start = number
            elif line == "}" and start:
                if number - start - 1 > MAX_FUNCTION_LINES:
                    yield at(path, start, f"a function of {number - start - 1} lines")
                start = None


def names():
    """Reach shows in the name: what the core shares is acurast__noun_verb, what is public acurast_noun_verb."""
    public = set((ROOT / "core" / "cmake" / "symbols.txt").read_text().split())
    definition = re.compile(r"^(?!static|typedef|extern|#|\s|struct [\w]+;)[\w][\w \*]*?[ \*](\w+)\(")
    for path in tracked(".c"):
        if SOURCES not in path.parents:
            continue
        for number, line in enumerate(without_comments(path.read_text(encoding="utf-8")).splitlines(), 1):
            found = definition.match(line)
            if found and not found.group(1).startswith("acurast__") and found.group(1) not in public:
                yield at(path, number, f"{found.group(1)} is neither static, nor acurast__..., nor a listed symbol")


def listed():
    """core/sources.txt names every source of the core, once; Debian's list names every symbol, with the version that brought it."""
    named = [line for line in lines_of(ROOT / "core" / "sources.txt") if line and not line.startswith("#")]
    present = [str(path.relative_to(SOURCES)) for path in tracked(".c") if SOURCES in path.parents]
    for name in sorted(set(named) ^ set(present)):
        yield f"core/sources.txt: {name} is " + ("not a file" if name in named else "not listed")
    for name in sorted(name for name in set(named) if named.count(name) > 1):
        yield f"core/sources.txt: {name} stands there twice"
    symbols = set(lines_of(ROOT / "core" / "cmake" / "symbols.txt"))
    debian = ROOT / "packaging" / "debian" / "libacurast0.symbols"
    for name in sorted(symbols ^ set(re.findall(r"^ (\w+)@Base \d+\.\d+\.\d+$", debian.read_text(encoding="utf-8"), re.M))):
        yield f"{debian.relative_to(ROOT)}: {name} is there or in core/cmake/symbols.txt, not in both"


def version():
    """The version of the header is the one in every other place: macros, Node's package and its lock file, the manual pages, the changelog."""
    header = (ROOT / "core" / "include" / "acurast" / "version.h").read_text(encoding="utf-8")
    (wanted,) = re.findall(r'^#define ACURAST_VERSION "(.*)"$', header, re.M)
    found = {"core/include/acurast/version.h": ".".join(re.findall(r"^#define ACURAST_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)$", header, re.M))}
    for name in ("package.json", "package-lock.json"):
        told = json.loads((ROOT / "bindings" / "node" / name).read_text(encoding="utf-8"))
        found[f"bindings/node/{name}"] = told["version"]
        found[f"bindings/node/{name}, its own package"] = told.get("packages", {"": told})[""]["version"]
    for name in ("acurast-service.8", "acurast-peer.1"):
        page = (ROOT / "core" / "manual" / name).read_text(encoding="utf-8")
        found[f"core/manual/{name}"] = re.search(r'"libacurast (.*?)"', page).group(1)
    titles = re.findall(r"^## (\d\S*)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    found["CHANGELOG.md"] = titles[0] if titles else "none"
    for place, told in found.items():
        if told != wanted:
            yield f"{place}: the version is {told}, and {wanted} in core/include/acurast/version.h"


def slug(heading):
    """The anchor that a heading gets, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def links():
    """Every relative link of a document, and every path that it names in backticks under core/ or tests/, exists."""
    for path in tracked(".md"):
        text = path.read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            for target in re.findall(r"\]\(([^)\s]+)\)", line):
                if re.match(r"[a-z]+:", target):
                    continue
                name, _, anchor = target.partition("#")
                file = (path.parent / name) if name else path
                if not file.exists():
                    yield at(path, number, f"links to {target}, which is not there")
                elif anchor and file.suffix == ".md" and anchor not in {
                        slug(title) for title in re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.M)}:
                    yield at(path, number, f"links to {target}, which has no such heading")
            for name in re.findall(r"`((?:core|tests|bindings|\.ci)/[\w./-]+)`", line):
                if not (ROOT / name).exists():
                    yield at(path, number, f"names {name}, which is not there")
    for path in tracked(".c", ".h", ".py", ".sh", ".go"):
        for number, line in enumerate(lines_of(path), 1):
            for name in re.findall(r"\b(?:core|tests)/[\w/]+\.md\b", line):
                if not (ROOT / name).exists():
                    yield at(path, number, f"names {name}, which is not there")


def machine():
    """No path or host of the machine that the code was written on, and no registry's host."""
    bad = re.compile(r"/(work|root|home|tmp/build)[/-]\w|registry\.npmjs|files\.pythonhosted|/simple/|\"resolved\":")
    suffixes = (".c", ".h", ".go", ".mod", ".py", ".sh", ".md", ".txt", ".json", ".cmake", ".in", ".js", ".cjs", ".mjs", ".yml",
                "Makefile", "run", ".supp", ".ini")
    for path in tracked(*suffixes):
        if path == Path(__file__).resolve():
            continue
        for number, line in enumerate(lines_of(path), 1):
            if bad.search(line):
                yield at(path, number, f"names this machine or a registry: {bad.search(line).group(0)}")


RULES = {rule.__name__: rule for rule in (layering, allocation, length, names, listed, version, links, machine)}


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in RULES:
        sys.exit(f"usage: check_source.py {'|'.join(RULES)}")
    offences = list(RULES[sys.argv[1]]())
    for offence in offences:
        print(offence)
    sys.exit(1 if offences else 0)


if __name__ == "__main__":
    main()
