"""Manual pages in roff."""

import re


def escape(text):
    """Text of a line: every hyphen is one that can be copied, and nothing is a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text


def argument(text):
    return '"' + escape(text).replace('"', "\\(dq") + '"'


def paragraphs(texts):
    lines = []
    for text in texts:
        lines += [".PP", escape(text)]
    return lines


def sentence(text):
    return text if text.endswith((".", "!", "?")) else text + "."


def flags(given):
    lines = []
    for flag in given:
        value = f" \\fI{escape(flag.value)}\\fR" if flag.value else ""
        lines += [".TP", f"\\fB{escape('--' + flag.name)}\\fR{value}", escape(sentence(flag.help))]
        if flag.repeatable:
            lines.append("Can be given several times.")
        if flag.variable:
            lines.append(f"Environment: \\fB{escape(flag.variable)}\\fR.")
    return lines


def synopsis(text):
    """The first word bold."""
    lines = []
    for line in text.splitlines():
        first, _, rest = line.strip().partition(" ")
        lines += [".PP", f".B {escape(first)}", escape(rest)]
    return lines


def head(program):
    title = program.name.upper()
    return [
        '.\\" Printed by core/manual/generate.py from what --help says. Change the table of options or the program instead.',
        f'.TH {argument(title)} {program.section} "" {argument("libacurast " + program.version)} "Acurast"',
        ".SH NAME",
        f"{escape(program.name)} \\- {escape(program.summary)}",
        ".SH SYNOPSIS",
        *synopsis(program.main.synopsis),
    ]


def exit_status(notes):
    """(the notes without it, what a note says of exit codes)."""
    rest, codes = [], []
    for note in notes:
        before, found, after = note.partition("Exit codes: ")
        told, _, more = after.partition(". ")
        rest += [text for text in (before.strip(), more.strip()) if text]
        codes += [told.rstrip(".")] if found else []
    return rest, codes


def status_section(codes):
    lines = [".SH EXIT STATUS"]
    for code in re.findall(r"(\d+) ([^;,]+)", codes[0]):
        lines += [".TP", f".B {code[0]}", escape(sentence(code[1][0].upper() + code[1][1:]))]
    return lines


UNITS = "SIZE takes KiB, MiB, GiB; TIME takes ms, s, m, h."
ENVIRONMENT = [
    ".SH ENVIRONMENT",
    "Each option can also be set by the variable that is named with it; the command line wins.",
]


def service(program):
    notes, codes = exit_status(program.main.notes[1:])
    return "\n".join(
        [
            *head(program),
            ".SH DESCRIPTION",
            *paragraphs(program.main.description + notes),
            ".SH OPTIONS",
            UNITS,
            *flags(program.main.flags),
            *ENVIRONMENT,
            ".SH FILES",
            ".TP",
            ".I /etc/default/acurast\\-service",
            "Such variables, where it was installed as a Debian package.",
            *status_section(codes),
            ".SH SEE ALSO",
            ".BR acurast\\-peer (1),",
            ".BR systemd.service (5)",
            "",
        ]
    )


def peer(program):
    common = program.common()
    shared = {flag.key() for flag in common}
    notes, codes = exit_status(program.main.notes)
    lines = [*head(program), ".SH DESCRIPTION", *paragraphs(notes), ".SH COMMANDS"]
    for command, summary in program.commands:
        lines.append(f".SS {argument(command.name + ': ' + summary)}")
        lines += [*synopsis(command.synopsis), *paragraphs(command.description)]
        lines += flags(flag for flag in command.flags if flag.key() not in shared and flag.name not in ("help", "version"))
    lines += [
        ".SH OPTIONS",
        "Of every command that connects to a service.",
        UNITS,
        *flags(common),
        *ENVIRONMENT,
        *status_section(codes),
        ".SH SEE ALSO",
        ".BR acurast\\-service (8)",
        "",
    ]
    return "\n".join(lines)
