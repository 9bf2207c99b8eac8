"""One process, two or more copies of OpenSSL and libuv:  beside.py CERTIFICATES FIRST SECONDS

FIRST is `acurast` or `others`: what is loaded first. Then requests go through acurast by TLS while other threads do the same with
Python's ssl and sign with cryptography, and all of it runs on uvloop. The last line is `beside: ...` with what was done.
"""

import asyncio
import os
import sys
import threading
import time

folder, first, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
if first == "acurast":
    import acurast
import ssl  # noqa: E402

import uvloop  # noqa: E402
from cryptography.exceptions import InvalidSignature  # noqa: E402
from cryptography.hazmat.primitives import hashes  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402

if first == "others":
    import acurast


def at(name):
    return os.path.join(folder, name)


done = {"requests": 0, "handshakes": 0, "signatures": 0}
over = threading.Event()


def sign():
    """cryptography has an OpenSSL of its own; ours and it judge each other's signatures."""
    key = ec.generate_private_key(ec.SECP256R1())
    while not over.is_set():
        signature = key.sign(b"signed", ec.ECDSA(hashes.SHA256()))
        key.public_key().verify(signature, b"signed", ec.ECDSA(hashes.SHA256()))
        try:
            key.public_key().verify(signature, b"forged", ec.ECDSA(hashes.SHA256()))
            raise SystemExit("a forged signature was taken")
        except InvalidSignature:
            done["signatures"] += 1


def server():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(at("cert.pem"), at("key.pem"))
    return context


async def handshakes():
    """Python's ssl as both sides, on uvloop."""
    async def answer(reader, writer):
        writer.write((await reader.read(100_000)).upper())
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(answer, "localhost", 0, ssl=server())
    port = listening.sockets[0].getsockname()[1]
    trusted = ssl.create_default_context(cafile=at("ca.pem"))
    while not over.is_set():
        reader, writer = await asyncio.open_connection("localhost", port, ssl=trusted)
        writer.write(b"text" * 1000)
        assert await reader.read(4) == b"TEXT"
        writer.close()
        done["handshakes"] += 1
    listening.close()


async def requests(url):
    async def echo(params, request):
        return params

    async with acurast.Client(url, ca_file=at("ca.pem"), open_timeout=30) as processor:
        processor.serve({"echo": echo})
        while not over.is_set():
            async with acurast.Client(url, ca_file=at("ca.pem"), open_timeout=30) as dapp:
                for number in range(20):
                    asked = {"number": number, "text": "e" * 1000 * number}
                    assert await dapp.request(processor.identity.public_key, "echo", asked, timeout=30) == asked
                    done["requests"] += 1


async def main():
    signers = [threading.Thread(target=sign) for _ in range(2)]
    for signer in signers:
        signer.start()
    asyncio.get_running_loop().call_later(seconds, over.set)
    try:
        with acurast.Service(tls_cert=at("cert.pem"), tls_key=at("key.pem")) as service:
            await asyncio.gather(handshakes(), requests(f"wss://localhost:{service.port}"))
    finally:
        over.set()
        for signer in signers:
            signer.join()


began = time.monotonic()
uvloop.run(main())
assert all(done.values()), done
print(f"beside: {first} first, {done} in {time.monotonic() - began:.1f} s")
