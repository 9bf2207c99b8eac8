"""As much of MessagePack as extension blocks use: flat maps of nil, boolean, integer, text and bytes."""

import struct


def pack(value):
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        if 0 <= value < 128:
            return bytes([value])
        if -32 <= value < 0:
            return struct.pack("b", value)
        return b"\xcf" + struct.pack(">Q", value) if value > 0 else b"\xd3" + struct.pack(">q", value)
    if isinstance(value, str):
        data = value.encode()
        if len(data) < 32:
            return bytes([0xA0 | len(data)]) + data
        return b"\xd9" + bytes([len(data)]) + data if len(data) < 256 else b"\xda" + struct.pack(">H", len(data)) + data
    if isinstance(value, bytes):
        if len(value) < 256:
            return b"\xc4" + bytes([len(value)]) + value
        return b"\xc5" + struct.pack(">H", len(value)) + value
    if isinstance(value, dict):
        head = bytes([0x80 | len(value)]) if len(value) < 16 else b"\xde" + struct.pack(">H", len(value))
        return head + b"".join(pack(key) + pack(each) for key, each in value.items())
    if isinstance(value, list):
        return b"\xdc" + struct.pack(">H", len(value)) + b"".join(map(pack, value))
    raise TypeError(type(value))


def unpack(data):
    value, rest = _take(data)
    assert not rest, f"{len(rest)} bytes after the value"
    return value


_FIXED = {0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}
_SIZED = {0xD9: ">B", 0xDA: ">H", 0xDB: ">I", 0xC4: ">B", 0xC5: ">H", 0xC6: ">I"}


def _take(data):
    head, rest = data[0], data[1:]
    if head < 0x80:
        return head, rest
    if head >= 0xE0:
        return head - 256, rest
    if head in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[head], rest
    if head in _FIXED:
        size = struct.calcsize(_FIXED[head])
        return struct.unpack(_FIXED[head], rest[:size])[0], rest[size:]
    if head in _SIZED or 0xA0 <= head < 0xC0:
        size = head & 31
        if head in _SIZED:
            width = struct.calcsize(_SIZED[head])
            size, rest = struct.unpack(_SIZED[head], rest[:width])[0], rest[width:]
        body = rest[:size]
        assert len(body) == size
        return (body if 0xC4 <= head <= 0xC6 else body.decode()), rest[size:]
    if head & 0xF0 == 0x80 or head == 0xDE:
        count = head & 15
        if head == 0xDE:
            count, rest = struct.unpack(">H", rest[:2])[0], rest[2:]
        value = {}
        for _ in range(count):
            key, rest = _take(rest)
            value[key], rest = _take(rest)
        return value, rest
    raise ValueError(f"{head:#x} is not for extension blocks")
