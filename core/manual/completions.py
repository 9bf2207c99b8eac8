"""Completions for bash, zsh and fish."""

HEAD = "# Printed by core/manual/generate.py from what --help says.\n"


def quote(text):
    return "'" + text.replace("'", "'\\''") + "'"


def by_values(flags):
    """{choices: names}, names of those with files, names of those with another value."""
    choices, files, others = {}, [], []
    for flag in flags:
        if flag.choices:
            choices.setdefault(" ".join(flag.choices), []).append(flag.name)
        elif flag.is_file():
            files.append(flag.name)
        elif flag.value:
            others.append(flag.name)
    return choices, files, others


# ---- bash ----

BASH = """
{function}()
{{
    local word=${{COMP_WORDS[COMP_CWORD]}} flag=${{COMP_WORDS[COMP_CWORD - 1]}} words=
    if [ "$word" = = ]; then # --flag=VALUE is three words
        word=
    elif [ "$flag" = = ]; then
        flag=${{COMP_WORDS[COMP_CWORD - 2]}}
    fi
    COMPREPLY=()
    {body}
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}}
complete -F {function} {name}
"""

BASH_FILES = """compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return"""


def bash_pattern(names):
    return " | ".join(f"--{name}" for name in names)


def bash_values(flags):
    choices, files, others = by_values(flags)
    arms = [f"    {bash_pattern(names)}) words='{words}' ;;" for words, names in choices.items()]
    if files:
        arms.append(f"    {bash_pattern(files)})\n        {BASH_FILES}\n        ;;")
    if others:
        arms.append(f"    {bash_pattern(others)}) return ;;")
    return arms


def bash_words(flags):
    return " ".join(f"--{flag.name}" for flag in flags)


def bash(program):
    function = "_" + program.name.replace("-", "_")
    if not program.commands:
        arms = bash_values(program.main.flags) + [f"    *) words='{bash_words(program.main.flags)}' ;;"]
        return HEAD + BASH.format(function=function, name=program.name, body='case $flag in\n' + "\n".join(arms) + "\n    esac")
    seen, flags = set(), []
    for command, _ in program.commands:
        flags += [flag for flag in command.flags if flag.name not in seen]
        seen |= {flag.name for flag in command.flags}
    names = " ".join(command.name for command, _ in program.commands)
    arms = [f"        {command.name}) words='{bash_words(command.flags)}' ;;" for command, _ in program.commands]
    body = (
        f"if [ \"$COMP_CWORD\" = 1 ]; then\n        words='{names} --help --version'\n"
        '    else\n        case ${COMP_WORDS[1]} in\n' + "\n".join(arms) + "\n        esac\n    fi\n"
        "    case $flag in\n" + "\n".join(bash_values(flags)) + "\n    esac"
    )
    return HEAD + BASH.format(function=function, name=program.name, body=body)


# ---- zsh ----


def zsh_flag(flag):
    text = flag.summary.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    if not flag.value:
        return quote(f"--{flag.name}[{text}]")
    action = f"({' '.join(flag.choices)})" if flag.choices else "_files" if flag.is_file() else " "
    value = "value" if flag.choices else flag.value
    return quote(f"{'*' if flag.repeatable else ''}--{flag.name}=[{text}]:{value}:{action}")


def zsh_arguments(flags, indent):
    return (" \\\n" + indent).join(["_arguments", *map(zsh_flag, flags)])


def zsh(program):
    if not program.commands:
        return f"#compdef {program.name}\n{HEAD}\n{zsh_arguments(program.main.flags, '    ')}\n"
    names = "\n".join(f"        {quote(f'{command.name}:{summary}')}" for command, summary in program.commands)
    arms = "\n".join(
        f"    {command.name})\n        {zsh_arguments(command.flags, ' ' * 12)} \\\n            '*:argument:_files'\n        ;;"
        for command, _ in program.commands
    )
    return (
        f"#compdef {program.name}\n{HEAD}\nlocal state\nlocal -a commands\n"
        "_arguments '(- *)--help[Print this and exit]' '(- *)--version[Print the version and exit]' '1:command:->command' "
        "'*::argument:->argument'\n"
        f"case $state in\ncommand)\n    commands=(\n{names}\n    )\n    _describe command commands\n    ;;\n"
        f"argument)\n    case $words[1] in\n{arms}\n    esac\n    ;;\nesac\n"
    )


# ---- fish ----


def fish_flag(program, flag, condition):
    kind = ""
    if flag.choices:
        kind = f" -x -a {quote(' '.join(flag.choices))}"
    elif flag.value:
        kind = " -r -F" if flag.is_file() else " -x"
    return f"complete -c {program.name}{condition} -l {flag.name}{kind} -d {quote(flag.summary)}"


def fish(program):
    lines = [HEAD, f"complete -c {program.name} -f"]
    if not program.commands:
        lines += [fish_flag(program, flag, "") for flag in program.main.flags]
    else:
        lines += [f"complete -c {program.name} -n __fish_use_subcommand -l {name}" for name in ("help", "version")]
    for command, summary in program.commands:
        lines.append(f"complete -c {program.name} -n __fish_use_subcommand -a {command.name} -d {quote(summary)}")
        condition = f" -n {quote('__fish_seen_subcommand_from ' + command.name)}"
        lines += [fish_flag(program, flag, condition) for flag in command.flags]
    return "\n".join(lines) + "\n"
