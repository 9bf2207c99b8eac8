"""An echo processor: `python echo.py URL [KEY.pem]`. Ctrl-C ends it."""

import asyncio
import sys
from pathlib import Path

import acurast


async def main(url: str, key: str | None) -> None:
    identity = acurast.Identity.from_pem(Path(key).read_text()) if key else None
    async with acurast.Client(url, identity=identity) as client:
        print("id", client.id, flush=True)
        async for message in client:
            await client.send(message.sender, message.payload)


try:
    asyncio.run(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None))
except KeyboardInterrupt:
    pass
