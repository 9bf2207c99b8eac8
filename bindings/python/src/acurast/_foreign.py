"""Text that others wrote, for a terminal: the command prints it by these functions alone, so that it can neither steer the terminal
nor pass for words of ours.

Printable text stays as it is. \\xNN is a control character of ASCII; \\u{N} is another character that steers: U+0080 to U+009F, the
separators of lines and paragraphs, what sets the direction of text, and half a surrogate pair. A backslash that would read as the
beginning of one of these is \\x5c, so that each output has one meaning; other backslashes stay.
"""

from __future__ import annotations

import json
import re

STEERING = "[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]"
STEERS = re.compile(STEERING)
STEERS_OR_MISLEADS = re.compile(STEERING + r"|\\(?=x|u\{)")


def escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{{{code:x}}}"


def shown(text: object) -> str:
    """Text for people, on one line."""
    return STEERS_OR_MISLEADS.sub(escape, str(text))


def shown_payload(payload: bytes) -> str:
    """The same for a payload; 0x and hexadecimal where it is no text."""
    try:
        return shown(payload.decode())
    except UnicodeDecodeError:
        return "0x" + payload.hex()


def json_line(value: object) -> str:
    """JSON on one line; what would steer a terminal has escapes of JSON."""
    return STEERS.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))
