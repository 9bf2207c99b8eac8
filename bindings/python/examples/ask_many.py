"""Asks many processors and takes the first three answers: `python ask_many.py URL ID ID ID ID ...`."""

import asyncio
import sys

import acurast

NEED = 3


async def answers(client: acurast.Client, asked: set[acurast.Id], need: int) -> dict[acurast.Id, str]:
    """The first `need` answers, one from each of those who were asked."""
    found: dict[acurast.Id, str] = {}
    async for message in client:
        if message.sender in asked:
            found.setdefault(message.sender, message.text())
        if len(found) == need:
            break
    return found


async def main(url: str, processors: list[str]) -> None:
    asked = {acurast.id_of(each) for each in processors}
    async with acurast.Client(url) as client:
        await asyncio.gather(*[client.send(each, b"what time is it?") for each in asked])
        for sender, answer in (await asyncio.wait_for(answers(client, asked, NEED), 10)).items():
            print(sender, answer if answer.isprintable() else ascii(answer))  # it does not steer the terminal


asyncio.run(main(sys.argv[1], sys.argv[2:]))
