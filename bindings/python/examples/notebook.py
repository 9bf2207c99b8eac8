"""For notebooks, a cell at a time: no event loop, no await. `python notebook.py URL ID`."""

# %% Connect once.
import sys

import acurast

url, processor = sys.argv[1:]
client = acurast.connect(url, timeout=10)
client


# %% Ask and wait. Run it as often as you like; interrupting the kernel works at once.
def ask(question: str, seconds: float = 5) -> str:
    client.send_text(processor, question)
    return client.receive(timeout=seconds).text()


print(ask("are you there?"))

# %% Several questions at once.
for number in range(3):
    client.send_json(processor, {"question": number}, wait=False)
print([client.receive(timeout=5).json() for _ in range(3)])

# %% When done.
client.close()
