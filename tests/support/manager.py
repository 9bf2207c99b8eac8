"""A service manager's end of sd_notify(3): a socket whose datagrams are taken apart."""

import os
import select
import socket
import struct
import uuid

from .waiting import DEADLINE, Late


class Manager:
    """Listens at a path in `folder`, or without one at an abstract name of Linux."""

    def __init__(self, folder=None):
        self.name = str(folder / "notify") if folder else f"@acurast-test-{uuid.uuid4()}"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind(self.name.replace("@", "\0", 1))

    def environment(self, **more):
        return {"NOTIFY_SOCKET": self.name, **more}

    def message(self, deadline=DEADLINE):
        """The next datagram as a dictionary, with the sender's process id as its "pid"."""
        if not select.select([self.socket], [], [], deadline)[0]:
            raise Late(f"no message within {deadline} s")
        data, ancillary, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(struct.calcsize("3i")))
        fields = dict(line.split("=", 1) for line in data.decode().split("\n"))
        fields["pid"] = struct.unpack("3i", ancillary[0][2][:12])[0]
        return fields

    def next(self, *names):
        """The next that has one of the variables `names`."""
        while True:
            message = self.message()
            if any(name in message for name in names):
                return message

    def waiting(self):
        """All datagrams that wait now."""
        found = []
        while select.select([self.socket], [], [], 0)[0]:
            found.append(self.message())
        return found

    def fill(self):
        """Nobody else's datagram finds room until some are read."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            try:
                while True:
                    sender.sendto(b"FILLER=1", self.socket.getsockname())
            except BlockingIOError:
                pass

    def close(self):
        self.socket.close()
        if self.name.startswith("/"):
            os.unlink(self.name)
