"""Files that hang, as on a disk that does."""

import errno
import os

from .waiting import eventually


class Hanging:
    """A file of a service becomes a pipe to which nobody writes: whoever reads it waits until `let_go`."""

    def __init__(self, path):
        path.unlink()
        os.mkfifo(path)
        self.path = path
        self.writing = None

    def _open(self):
        try:
            self.writing = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            assert error.errno == errno.ENXIO, error
        return self.writing is not None

    def await_reader(self):
        eventually(self._open, "a reader")

    def let_go(self):
        if self.writing is not None:
            os.close(self.writing)
        self.writing = None
