"""Uses an installed acurast:  use.py CERTIFICATES   (with ca.pem, cert.pem and key.pem for localhost)

Runs on bare systems, where there is Python's own library and nothing else. The last line is `used` where all went well.
"""

import asyncio
import os
import sys

import acurast

folder = sys.argv[1]


def at(name):
    return os.path.join(folder, name)


def signing():
    one, other = acurast.Identity.generate(), acurast.Identity.generate()
    signature = one.sign(b"signed")
    assert acurast.verify(one.public_key, b"signed", signature)
    assert not acurast.verify(other.public_key, b"signed", signature)
    assert not acurast.verify(one.public_key, b"forged", signature)


async def echo(params, request):
    return params


async def round_trip():
    with acurast.Service(tls_cert=at("cert.pem"), tls_key=at("key.pem")) as service:
        url = f"wss://localhost:{service.port}"
        async with acurast.Client(url, ca_file=at("ca.pem"), open_timeout=30) as processor:
            processor.serve({"echo": echo})
            async with acurast.Client(url, ca_file=at("ca.pem"), open_timeout=30) as dapp:
                for size in (0, 1, 100_000):
                    asked = {"text": "e" * size}
                    assert await dapp.request(processor.identity.public_key, "echo", asked, timeout=30) == asked
        try:
            async with acurast.Client(url, open_timeout=2) as stranger:
                raise AssertionError(f"an unknown authority was trusted: {stranger}")
        except (acurast.TlsError, acurast.TimeoutError) as error:
            reason = error if isinstance(error, acurast.TlsError) else error.__cause__
            assert isinstance(reason, acurast.TlsError), error
            print(f"a stranger is told: {reason}")


signing()
asyncio.run(round_trip())
print("used")
