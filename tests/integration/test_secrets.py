"""Where secrets are in the memory of a program: in pages that are locked, fenced and left out of core dumps, and nowhere else."""

import re
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from support import peer as peers
from support.peer import keygen, send

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read as Linux shows it")

MAPPING_MAX = 2**30  # larger ones are a sanitizer's own


def mappings(pid):
    """(begin, end, flags) of what a process can read of its own."""
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        found = re.match(r"([0-9a-f]+)-([0-9a-f]+) (r?)", line)
        if found:
            begin, end, readable = int(found[1], 16), int(found[2], 16), bool(found[3])
        elif line.startswith("VmFlags:") and readable and end - begin <= MAPPING_MAX:
            yield begin, end, line.split()[1:]


def where(pid, needles):
    """The flags of each mapping in which one of the needles is."""
    found = []
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for begin, end, flags in mappings(pid):
            try:
                memory.seek(begin)
                content = memory.read(end - begin)
            except (OSError, OverflowError):  # what the kernel keeps for itself
                continue
            found += [flags for needle in needles if needle in content]
    return found


def scalar_of(file):
    """As it is, and as libcrypto's little-endian numbers hold it."""
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    secret = key.private_numbers().private_value.to_bytes(32, "big")
    return secret, secret[::-1]


def test_the_look_out_works(peer, service, tmp_path):
    """A payload of a listener is in plain memory, and is found there."""
    one, key = service(), keygen(tmp_path)
    listener = peers.Listener(peer(*peers.Listener.arguments(one.url, key)), key)
    listener.connected()
    body = bytes(range(100, 132))
    assert send(one.url, key.id, body).returncode == 0
    assert listener.payload()[1] == body
    assert any("dd" not in flags for flags in where(listener.program.pid, [body]))


def test_a_peers_scalar_is_in_guarded_memory_alone(service, peer, tmp_path):
    key = keygen(tmp_path)
    one = service()
    listener = peers.Listener(peer(*peers.Listener.arguments(one.url, key, "--echo")), key)
    listener.connected()
    for body in (b"one", b"two"):
        assert send(one.url, key.id, body).returncode == 0
        assert listener.payload()[1] == body
    found = where(listener.program.pid, scalar_of(key.file))
    assert len(found) == 2, "ours, and libcrypto's working copy"
    assert all("dd" in flags for flags in found), found
