"""`python -m acurast`: keys, request, serve, send, look and listen from the shell, as the program acurast-peer has them.

Results go to standard output, messages to standard error; --json prints one object a line. Exit codes: 0 done; 1 failed; 2 wrong
usage; 3 no service or no answer in time; 4 the answer is an error. Flags with a name in brackets can be set as that environment
variable as well; the command line wins.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TextIO

from . import _errors, _runtime
from ._blocking import BlockingClient, connect
from ._core import lib
from ._exec import serve_exec
from ._foreign import json_line, shown, shown_payload
from ._identity import Id, Identity, as_key, compress_key, id_of
from ._keyfile import read_key
from ._message import LEVELS, Message
from ._presence import Presence

OK, FAILED, USAGE, LATE, REMOTE = 0, 1, 2, 3, 4
SERVE = """Answers requests of these methods by a command of the shell. It finds the method in $ACURAST_METHOD, who asks in $ACURAST_SENDER and
the params, as JSON, on its standard input. What it writes, one value of JSON, is the result; if it ends with another status than 0, the
answer is the error -32000. Ends with 0 on Ctrl-C."""
LATENESS = (_errors.TimeoutError, _errors.ExpiredError, _errors.UndeterminedError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    flags = parser().parse_args(arguments)
    try:
        code: int = flags.command(flags)
        sys.stdout.flush()
        return code
    except LATENESS as error:
        return complain(error, LATE)
    except _errors.BadOptionError as error:
        return complain(error, USAGE)
    except (_errors.Error, OSError, ValueError) as error:
        return complain(error, FAILED)
    except KeyboardInterrupt:
        return 130


def complain(error: object, code: int) -> int:
    tell(error)
    return code


def tell(words: object) -> None:
    print(f"acurast: {shown(words)}", file=sys.stderr)


def tell_kept() -> None:
    tell("the recipient is away; it waits in its mailbox")


class Parser(argparse.ArgumentParser):
    """Its errors repeat words that may have been pasted."""

    def error(self, message: str) -> NoReturn:
        super().error(shown(message))


def parser() -> argparse.ArgumentParser:
    top = Parser(prog="python -m acurast", description=__doc__.partition(":")[2].strip())
    commands = top.add_subparsers(required=True, metavar="keygen|id|request|serve|send|look|listen")

    keygen = commands.add_parser("keygen", help="make a key")
    keygen.add_argument("--out", metavar="FILE", help="where it goes, mode 0600; without it, to standard output as PEM")
    keygen.add_argument("--ed25519", action="store_true", help="an Ed25519 key instead of a P-256 one")
    keygen.set_defaults(command=command_keygen)

    ids = commands.add_parser("id", help="print ids and public keys")
    ids.add_argument("--key", metavar="FILE", help="of a key file")
    ids.add_argument("recipients", nargs="*", metavar="RECIPIENT", help="an id or a public key, as hexadecimal")
    ids.set_defaults(command=command_id)

    request = commands.add_parser("request", help="ask, and print the answer")
    request.add_argument("recipient", metavar="RECIPIENT", help="an id or a public key, as hexadecimal; several with commas between them")
    request.add_argument("method", metavar="METHOD")
    request.add_argument("params", nargs="?", type=params_of, metavar="PARAMS", help="an array or an object of JSON")
    request.add_argument("--need", type=whole, metavar="COUNT", help="of several, how many have to answer (default: all)")
    request.add_argument("--agree", action="store_true", help="and with the same result")
    request.add_argument("--progress", action="store_true", help="print what the recipient tells meanwhile, on standard error")
    request.add_argument("--retry", action="store_true", help="it may be executed twice, where nobody knows whether it was")
    request.set_defaults(command=command_request)

    serve = commands.add_parser("serve", help="answer requests by a command of the shell", description=SERVE)
    serve.add_argument("methods", nargs="+", metavar="METHOD", help="the methods that are served")
    add_flag(serve, "exec", metavar="COMMAND", help="run by /bin/sh for each request")
    serve.set_defaults(command=command_serve)

    send = commands.add_parser("send", help="send one payload, and perhaps wait for answers")
    send.add_argument("--to", required=True, metavar="RECIPIENT", help="an id or a public key, as hexadecimal")
    send.add_argument("--file", metavar="FILE", help="send this file; - is standard input, also without a payload")
    send.add_argument("--wait", type=whole, metavar="COUNT", help="wait for so many answers and print them")
    send.add_argument("--until", choices=LEVELS, default="written", help="how far it must get (default written)")
    send.add_argument("payload", nargs="?", help="the payload, as text or with --hex as hexadecimal")
    send.set_defaults(command=command_send)

    look = commands.add_parser("look", help="tell who is here; done if all are")
    look.add_argument("recipients", nargs="+", metavar="RECIPIENT", help="an id or a public key, as hexadecimal")
    look.set_defaults(command=command_look)

    listen = commands.add_parser("listen", help="print what comes")
    listen.add_argument("--echo", action="store_true", help="send each payload back to its sender")
    listen.add_argument("--count", type=whole, metavar="COUNT", help="end after so many payloads")
    listen.set_defaults(command=command_listen)

    for each in (request, serve, send, look, listen):
        url = os.environ.get("ACURAST_PEER_URL")
        each.add_argument("--url", action="append", required=not url, help="services to try, in order [ACURAST_PEER_URL]")
        add_flag(each, "key", required=False, metavar="FILE", help="whose identity to use; without it a new key, forgotten afterwards")
        add_options(each)
    for each in (request, send, look, listen):
        each.add_argument("--timeout", type=float, metavar="SECONDS", help="for all of it (send: 30; look, request: 10; listen: for ever)")
    for each in (send, listen):
        each.add_argument("--hex", action="store_true", help="payloads are hexadecimal")
    for each in (keygen, ids, request, send, look, listen):
        each.add_argument("--json", action="store_true", help="print one object a line")
    return top


def add_flag(parser: argparse._ActionsContainer, name: str, *, help: str, required: bool = True, **settings: Any) -> None:
    """A flag that can be set as an environment variable as well."""
    variable = "ACURAST_PEER_" + name.upper().replace("-", "_")
    default = os.environ.get(variable) or None
    words = f"{help} [{variable}]".replace("%", "%%")
    parser.add_argument("--" + name, default=default, required=required and default is None, help=words, **settings)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the core's clients and of its I/O threads, as its table has them."""
    group = parser.add_argument_group("options of the core")
    for name, type, help in _runtime.options_in(lib.ACURAST_SCOPE_CONTEXT, lib.ACURAST_SCOPE_CLIENT):
        if name != "url":
            add_flag(group, name, required=False, metavar=type, help=help)


def settings_of(flags: argparse.Namespace, scope: int) -> dict[str, str]:
    """What was set of the core's options of a scope."""
    names = (name.replace("-", "_") for name, _, _ in _runtime.options_in(scope))
    return {name: value for name in names if (value := getattr(flags, name, None)) is not None and name != "url"}


def whole(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def command_keygen(flags: argparse.Namespace) -> int:
    identity = Identity.generate("ed25519" if flags.ed25519 else "p256")
    if not flags.out:
        print(identity.to_pem(), end="")
        return OK
    descriptor = os.open(flags.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(identity.to_pem())
    show_key(flags, str(identity.id), identity.public_key.hex(), file=flags.out)
    return OK


def command_id(flags: argparse.Namespace) -> int:
    if not flags.key and not flags.recipients:
        return complain("name a key file or a recipient", USAGE)
    if flags.key:
        identity = read_key(flags.key)
        show_key(flags, str(identity.id), identity.public_key.hex())
    for each in flags.recipients:
        is_id = len(as_key(each, "recipient").removeprefix(b"0x")) == 32
        show_key(flags, str(id_of(each)), None if is_id else compress_key(each).hex())
    return OK


def show_key(flags: argparse.Namespace, short: str, key: str | None, **more: Any) -> None:
    if flags.json:
        say({"id": short, **({"public_key": key} if key else {}), **more})
    else:
        print(f"id {short}" + (f"\npublic-key {key}" if key else ""))


def command_send(flags: argparse.Namespace) -> int:
    payload = read_payload(flags)
    recipient = id_of(flags.to)
    deadline = time.monotonic() + (30.0 if flags.timeout is None else flags.timeout)
    with open_client(flags, deadline) as client:
        on_kept = None if flags.until == "written" else tell_kept
        left = max(0.001, deadline - time.monotonic())
        reached = client.send(recipient, payload, timeout=left, until=flags.until, on_kept=on_kept)
        if reached.value != flags.until:
            tell("relayed: the recipient cannot tell whether it was delivered")
        if flags.json:
            say({"event": "sent", "reached": reached.value, "recipient": str(recipient), "size": len(payload)})
        answers = flags.wait
        while answers:
            message = client.receive(max(0.0, deadline - time.monotonic()))
            if message.sender == recipient:
                show(flags, message, alone=True)
                answers -= 1
    return OK


def params_of(text: str) -> Any:
    params = json.loads(text)
    if not isinstance(params, (list, dict)):
        raise ValueError(text)
    return params


def command_request(flags: argparse.Namespace) -> int:
    recipients = [id_of(each) for each in flags.recipient.split(",")]
    many = len(recipients) > 1 or flags.need or flags.agree
    if many and len(set(recipients)) < max(len(recipients), flags.need or 0):
        return complain("nobody is asked twice, and --need is at most the number of recipients", USAGE)
    deadline = time.monotonic() + (10.0 if flags.timeout is None else flags.timeout)
    with open_client(flags, deadline) as client:
        left = max(0.001, deadline - time.monotonic())
        return ask_many(client, flags, recipients, left) if many else ask(client, flags, recipients[0], left)


def ask(client: BlockingClient, flags: argparse.Namespace, recipient: Id, left: float) -> int:
    on_progress = tell_progress if flags.progress else None
    try:
        say(client.request(recipient, flags.method, flags.params, timeout=left, retry=flags.retry, on_progress=on_progress))
    except _errors.RemoteError as error:
        print(json_line(said_by(error)), file=sys.stderr)
        return REMOTE
    return OK


def ask_many(client: BlockingClient, flags: argparse.Namespace, recipients: list[Id], left: float) -> int:
    """LATE where too few have answered, or too few the same; what each said goes to standard error then."""
    more = {"need": flags.need, "agree": flags.agree, "timeout": left, "retry": flags.retry}
    try:
        found = client.request_many(recipients, flags.method, flags.params, **more)
    except _errors.NotEnoughAnswersError as error:
        show_answers(flags, error.answers, error.failures, sys.stdout if flags.json else sys.stderr)
        return complain(error, LATE)
    if flags.json:
        show_answers(flags, found.answers, found.failures, sys.stdout)
    else:
        say(found.value)
    return OK


def show_answers(flags: argparse.Namespace, answers: Mapping[Id, Any], failures: Mapping[Id, _errors.Error], to: TextIO) -> None:
    for id, value in answers.items():
        line = json_line({"event": "answer", "id": str(id), "status": "OK", "result": value}) if flags.json else f"{id}: {json_line(value)}"
        print(line, file=to)
    for id, error in failures.items():
        words: dict[str, Any] = {"error": said_by(error)} if isinstance(error, _errors.RemoteError) else {}
        if flags.json:
            print(json_line({"event": "answer", "id": str(id), "status": error.status.name, **words}), file=to)
        else:
            print(f"{id}: {json_line(words['error']) if words else error.text}", file=to)


def said_by(error: _errors.RemoteError) -> dict[str, Any]:
    said = {"code": error.code, "message": error.remote_message}
    return said if error.data is None else {**said, "data": error.data}


def tell_progress(value: Any) -> None:
    print(json_line(value), file=sys.stderr, flush=True)


def command_serve(flags: argparse.Namespace) -> int:
    """Ends with OK on Ctrl-C and SIGTERM."""
    asyncio.run(serve_exec(urls_of(flags), flags.methods, flags.exec, tell, **client_settings(flags)))
    return OK


def command_look(flags: argparse.Namespace) -> int:
    """OK where all are here."""
    ids = [id_of(each) for each in flags.recipients]
    deadline = time.monotonic() + (10.0 if flags.timeout is None else flags.timeout)
    with open_client(flags, deadline) as client:
        found = client.look(ids, timeout=max(0.001, deadline - time.monotonic()))
    for seen in found:
        key = seen.public_key.hex() if seen.public_key else None
        if flags.json:
            value = {"event": "seen", "id": str(seen.id), "presence": seen.presence.value}
            say({**value, **({"public_key": key} if key else {})})
        else:
            print(" ".join(filter(None, [str(seen.id), seen.presence.value, key])))
    return OK if all(seen.presence is Presence.HERE for seen in found) else FAILED


def command_listen(flags: argparse.Namespace) -> int:
    deadline = None if flags.timeout is None else time.monotonic() + flags.timeout
    seen = 0
    try:
        with open_client(flags, deadline) as client:
            if flags.json:
                say({"event": "connected", "id": str(client.id), "public_key": client.identity.public_key.hex()})
            while not flags.count or seen < flags.count:
                message = client.receive(None if deadline is None else max(0.0, deadline - time.monotonic()))
                if flags.echo:
                    client.send(message.sender, message.payload, wait=False)
                show(flags, message, alone=False)
                seen += 1
    except KeyboardInterrupt:
        return OK
    except _errors.TimeoutError as error:
        return complain(error, LATE) if flags.count or not seen else OK
    return OK


def open_client(flags: argparse.Namespace, deadline: float | None) -> BlockingClient:
    settings = client_settings(flags)
    timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
    client = connect(urls_of(flags), timeout=timeout, **settings)
    print(f"acurast: {client.id} connected", file=sys.stderr)
    return client


def urls_of(flags: argparse.Namespace) -> list[str]:
    urls: list[str] = flags.url or os.environ["ACURAST_PEER_URL"].replace(",", " ").split()
    return urls


def client_settings(flags: argparse.Namespace) -> dict[str, Any]:
    """Whose identity, and the options of the core; those of its I/O threads are set on the way."""
    threads: Any = settings_of(flags, lib.ACURAST_SCOPE_CONTEXT)
    if threads:
        _runtime.configure(**threads)
    identity = read_key(flags.key) if flags.key else None
    return {"identity": identity, **settings_of(flags, lib.ACURAST_SCOPE_CLIENT)}


def read_payload(flags: argparse.Namespace) -> bytes:
    if flags.payload is not None and flags.file:
        raise ValueError("one payload, please: an argument or --file")
    if flags.payload is not None:
        raw = os.fsencode(flags.payload)
    elif flags.file in (None, "-"):
        raw = sys.stdin.buffer.read()
    else:
        raw = Path(flags.file).read_bytes()
    return bytes.fromhex(raw.decode().strip().removeprefix("0x")) if flags.hex else raw


def show(flags: argparse.Namespace, message: Message, alone: bool) -> None:
    if not flags.json:
        words = message.payload.hex() if flags.hex else shown_payload(message.payload)
        print(words if alone else f"{message.sender} {words}", flush=True)
        return
    payload: dict[str, Any] = {"size": len(message), "hex": message.payload.hex()}
    with contextlib.suppress(UnicodeDecodeError):
        payload["text"] = message.text()
    say({"event": "payload", "sender": str(message.sender), "recipient": str(message.recipient), **payload})


def say(value: Any) -> None:
    print(json_line(value), flush=True)


if __name__ == "__main__":
    sys.exit(main())
