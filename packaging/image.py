"""The image of a container with acurast-service alone, as an archive of an OCI image layout. No container engine takes part.

The layer holds the static program and the licences. It runs as nobody (65534), as process 1, and needs no file system that can be
written. The image of each processor is a manifest of one index.
"""

from __future__ import annotations

import datetime
import gzip
import hashlib
import json
import shutil
import tempfile
from pathlib import Path

import sbom
from checkout import EPOCH, VERSION, pack_tar

NOBODY = "65534:65534"
MEDIA = "application/vnd.oci.image"
PROCESSORS = {"x86_64": "amd64", "aarch64": "arm64"}
SECOND = 10**9  # as the configuration counts

ANNOTATIONS = {
    "org.opencontainers.image.title": "acurast-service",
    "org.opencontainers.image.description": "Websocket service of the Acurast protocol",
    "org.opencontainers.image.version": VERSION,
    "org.opencontainers.image.licenses": "MIT",
    "org.opencontainers.image.created": datetime.datetime.fromtimestamp(EPOCH, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
}


class Layout:
    """A folder of blobs that are named by their sums."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "blobs/sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))

    def put(self, media: str, data: bytes) -> dict:
        """The descriptor of the blob."""
        digest = hashlib.sha256(data).hexdigest()
        (self.folder / "blobs/sha256" / digest).write_bytes(data)
        return {"mediaType": media, "digest": f"sha256:{digest}", "size": len(data)}

    def put_json(self, kind: str, told: dict) -> dict:
        return self.put(f"{MEDIA}.{kind}.v1+json", json.dumps(told, sort_keys=True).encode())


def layer(built: Path, scratch: Path) -> tuple[bytes, str]:
    """The packed layer, and the sum of what is in it before it is packed."""
    root = scratch / "root"
    root.mkdir()
    shutil.copy(built / "bin/acurast-service", root)
    shutil.copytree(built / "licences", root / "licences")
    (root / "licences/acurast.cdx.json").write_bytes(sbom.document(f"pkg:oci/acurast-service@{VERSION}", sbom.BUNDLED))
    packed = pack_tar(root, scratch / "layer.tar.gz")
    with gzip.open(packed) as plain:
        return packed.read_bytes(), hashlib.sha256(plain.read()).hexdigest()


def configuration(processor: str, contents: str) -> dict:
    return {
        "architecture": processor,
        "os": "linux",
        "created": ANNOTATIONS["org.opencontainers.image.created"],
        "config": {
            "User": NOBODY,
            "Entrypoint": ["/acurast-service"],
            "Env": ["ACURAST_SERVICE_LISTEN=0.0.0.0:9001", "ACURAST_SERVICE_ADMIN_LISTEN=127.0.0.1:9002"],
            "ExposedPorts": {"9001/tcp": {}},
            "WorkingDir": "/",
            "StopSignal": "SIGTERM",
            "Labels": ANNOTATIONS,
            # Not of OCI, whose readers pass over it: Docker and Podman run it.
            "Healthcheck": {
                "Test": ["CMD", "/acurast-service", "--healthcheck"],
                "Interval": 30 * SECOND, "Timeout": 5 * SECOND, "StartPeriod": 10 * SECOND, "Retries": 3,
            },
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{contents}"]},
        "history": [{"created": ANNOTATIONS["org.opencontainers.image.created"], "created_by": "packaging/image.py"}],
    }  # fmt: skip


def manifest(layout: Layout, processor: str, built: Path) -> dict:
    with tempfile.TemporaryDirectory() as scratch:
        packed, contents = layer(built, Path(scratch))
    told = {
        "schemaVersion": 2,
        "mediaType": f"{MEDIA}.manifest.v1+json",
        "config": layout.put_json("config", configuration(processor, contents)),
        "layers": [layout.put(f"{MEDIA}.layer.v1.tar+gzip", packed)],
        "annotations": ANNOTATIONS,
    }
    return {**layout.put_json("manifest", told), "platform": {"architecture": processor, "os": "linux"}}


def make(built: dict[str, Path], into: Path) -> Path:
    """`built` has a folder with bin/ and licences/ for each target."""
    with tempfile.TemporaryDirectory() as folder:
        layout = Layout(Path(folder) / "layout")
        manifests = [manifest(layout, PROCESSORS[name.split("-")[0]], where) for name, where in built.items()]
        index = {"schemaVersion": 2, "mediaType": f"{MEDIA}.index.v1+json", "manifests": manifests, "annotations": ANNOTATIONS}
        named = {**layout.put_json("index", index), "annotations": {"org.opencontainers.image.ref.name": VERSION}}
        top = {"schemaVersion": 2, "mediaType": index["mediaType"], "manifests": [named]}
        (layout.folder / "index.json").write_text(json.dumps(top, sort_keys=True))
        return pack_tar(layout.folder, into / f"acurast-service-{VERSION}.oci.tar.gz")
