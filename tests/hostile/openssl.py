"""TLS as Python's own module does not speak it: libssl by ctypes, between memory and memory, on a socket of ours."""

import ctypes
import ctypes.util
import functools
import socket
import ssl

from .suite import NotApplicable

TLS_1_2 = 0x0303

# Commands of SSL_CTX_ctrl() and BIO_ctrl().
CTRL_MIN_VERSION, CTRL_MAX_VERSION, PENDING = 123, 124, 10


@functools.cache
def library():
    name = ctypes.util.find_library("ssl")
    try:
        lib = ctypes.CDLL(name)
        for each in ("TLS_client_method", "SSL_CTX_new", "SSL_new", "BIO_new", "BIO_s_mem"):
            getattr(lib, each).restype = ctypes.c_void_p
        for each in ("SSL_CTX_ctrl", "BIO_ctrl"):
            getattr(lib, each).restype = ctypes.c_long
            getattr(lib, each).argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_void_p]
    except (AttributeError, OSError, TypeError):
        raise NotApplicable("there is no libssl for Python to load") from None
    return lib


class Openssl:
    """A client's side of TLS, with what a socket has that RawSocket uses. `fragment`: 1 to 4, for records of 512 to 4096 bytes
    at most."""

    def __init__(self, below, *, version=None, fragment=0):
        lib = library()
        self.below = below
        context = ctypes.c_void_p(lib.SSL_CTX_new(ctypes.c_void_p(lib.TLS_client_method())))
        if version:
            lib.SSL_CTX_ctrl(context, CTRL_MIN_VERSION, version, None)
            lib.SSL_CTX_ctrl(context, CTRL_MAX_VERSION, version, None)
        self.ssl = ctypes.c_void_p(lib.SSL_new(context))
        lib.SSL_CTX_free(context)
        memory = ctypes.c_void_p(lib.BIO_s_mem())
        self.into, self.out = ctypes.c_void_p(lib.BIO_new(memory)), ctypes.c_void_p(lib.BIO_new(memory))
        lib.SSL_set_bio(self.ssl, self.into, self.out)
        if fragment:
            lib.SSL_set_tlsext_max_fragment_length(self.ssl, ctypes.c_uint8(fragment))
        lib.SSL_set_connect_state(self.ssl)
        while lib.SSL_do_handshake(self.ssl) != 1:
            self.flush()
            if not self._more():
                raise ConnectionResetError("ended in the handshake")
        self.flush()

    def sealed(self):
        """What waits to be sent, taken away."""
        size = library().BIO_ctrl(self.out, PENDING, 0, None)
        data = ctypes.create_string_buffer(max(size, 1))
        if size:
            library().BIO_read(self.out, data, size)
        return data.raw[:size]

    def flush(self):
        self.below.sendall(self.sealed())

    def _more(self):
        data = self.below.recv(65536)
        library().BIO_write(self.into, data, len(data))
        return len(data)

    def seal(self, data):
        """Its records."""
        if data and library().SSL_write(self.ssl, bytes(data), len(data)) != len(data):
            raise ssl.SSLError("not sealed")
        return self.sealed()

    def key_updates(self, count, *, asked=True):
        """Records that change the keys so often; `asked`: and each asks the other side for the same."""
        for _ in range(count):
            library().SSL_key_update(self.ssl, 1 if asked else 0)
            library().SSL_do_handshake(self.ssl)
        return self.sealed()

    def renegotiate(self):
        """TLS 1.2: a greeting within the connection."""
        library().SSL_renegotiate(self.ssl)
        library().SSL_do_handshake(self.ssl)
        return self.sealed()

    def goodbye(self):
        """Its close_notify."""
        library().SSL_shutdown(self.ssl)
        return self.sealed()

    # --- as a socket

    def sendall(self, data):
        self.below.sendall(self.seal(data))

    def recv(self, size):
        data = ctypes.create_string_buffer(size)
        while True:
            got = library().SSL_read(self.ssl, data, size)
            if got > 0:
                return data.raw[:got]
            if library().SSL_get_shutdown(self.ssl) & 2 or not self._more():
                return b""

    def settimeout(self, seconds):
        self.below.settimeout(seconds)

    def setblocking(self, blocks):
        self.below.setblocking(blocks)

    def fileno(self):
        return self.below.fileno()

    def setsockopt(self, *option):
        self.below.setsockopt(*option)

    def shutdown(self, how):
        self.below.shutdown(how)

    def close(self):
        if self.ssl:
            library().SSL_free(self.ssl)
        self.ssl = None
        self.below.close()


def connect(target, **how):
    """A connection of the target's whose TLS is libssl's."""
    library()
    one = target.connect(bare=True)
    try:
        one.socket = Openssl(one.socket, **how)
    except socket.timeout:
        raise ConnectionResetError("the handshake did not end") from None
    return one
