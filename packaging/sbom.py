"""What is inside, as CycloneDX 1.6:  sbom.py prints that of all artefacts."""

from __future__ import annotations

import json
import sys

from checkout import VERSION
from fetch import PINS

BUNDLED = tuple(PINS["source"])  # in the wheels and in the static libraries
IN_NODE = tuple(name for name in BUNDLED if name != "libuv")  # there it is Node's own


def component(name: str) -> dict:
    pin = PINS["source"][name]
    return {
        "type": "library",
        "bom-ref": name,
        "name": name,
        "version": pin["version"],
        "licenses": [{"license": {"id": pin["licence"]}}],
        "cpe": pin["cpe"],
        "purl": f"pkg:deb/debian/{pin['package']}@{pin['debian'].replace('+', '%2B')}?arch=source&distro={pin['suite']}",
        "scope": "required",
    }


def document(purl: str, bundled: tuple[str, ...]) -> bytes:
    """The document of an artefact of that package URL, with these libraries inside."""
    told = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library", "bom-ref": "acurast", "name": "acurast", "version": VERSION, "purl": purl,
                "licenses": [{"license": {"id": "MIT"}}],
            },
            "tools": {"components": [{"type": "application", "name": "ziglang", "version": PINS["tools"]["ziglang"]["version"]}]},
        },
        "components": [component(name) for name in bundled],
        "dependencies": [{"ref": "acurast", "dependsOn": list(bundled)}, *({"ref": name} for name in bundled)],
    }
    return (json.dumps(told, indent=2) + "\n").encode()


if __name__ == "__main__":
    sys.stdout.buffer.write(document(f"pkg:generic/acurast@{VERSION}", BUNDLED))
