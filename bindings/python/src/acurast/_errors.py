"""The exceptions, one for each status of the core.

Written by tools/generate.py from the core's table; not by hand.
"""

from __future__ import annotations

import builtins
import enum
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from ._identity import Id


class Status(enum.IntEnum):
    """What a call of the core answers; the numbers are frozen."""

    OK = 0
    INVALID = 1
    NO_MEMORY = 2
    BAD_STATE = 3
    CLOSED = 4
    TIMEOUT = 5
    CANCELLED = 6
    UNSUPPORTED = 7
    FORKED = 8
    WOULD_DEADLOCK = 9
    BUSY = 10
    NOT_FOUND = 11
    TOO_SMALL = 12
    SYSTEM = 13
    ADDRESS_IN_USE = 14
    NOT_PERMITTED = 15
    BAD_HEX = 20
    BAD_KEY = 21
    BAD_RECIPIENT = 22
    BAD_SIGNATURE = 23
    BAD_SEAL = 24
    UNKNOWN_OPTION = 30
    BAD_OPTION = 31
    NOT_CONNECTED = 40
    RESOLVE = 41
    CONNECT = 42
    TLS = 43
    UPGRADE = 44
    PROTOCOL = 45
    REFUSED = 46
    DENIED = 47
    REPLACED = 48
    WORK_TOO_HARD = 49
    LOST = 50
    UNRESPONSIVE = 51
    DRAINING = 52
    SLOW_READER = 53
    KEY_BUSY = 54
    OUTBOX_FULL = 60
    EXPIRED = 61
    TOO_LARGE = 62
    NOT_HERE = 63
    MAILBOX_FULL = 64
    MAILBOX_EXPIRED = 65
    QUEUE_FULL = 66
    NOT_DELIVERED = 67
    UNDETERMINED = 68
    SERVICE_MEMORY = 69
    REMOTE_ERROR = 70
    NOT_ENOUGH_ANSWERS = 71


class Error(Exception):
    """Whatever this package raises, but for TypeError and ValueError on bad arguments.

    `status` is the core's status, `retriable` says whether the same call may succeed later as it is.
    """

    status: ClassVar[Status]
    retriable: ClassVar[bool] = False
    text: ClassVar[str]
    advice: ClassVar[str] = ""

    def __init__(self, detail: str = "") -> None:
        self.detail = detail
        self.message = self.text
        if detail:
            self.message += f" ({detail})"
        if self.advice:
            self.message += f"; {self.advice}"
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[type[Error], tuple[str], dict[str, Any]]:
        return type(self), (self.detail,), self.__dict__


class InvalidError(Error, ValueError):
    """An argument is missing or has a value that is not allowed."""

    status = Status.INVALID
    text = "an argument is missing or has a value that is not allowed"


class OutOfMemoryError(Error, MemoryError):
    """Out of memory."""

    status = Status.NO_MEMORY
    retriable = True
    text = "out of memory"


class BadStateError(Error):
    """The object's present state does not allow this call."""

    status = Status.BAD_STATE
    text = "the object's present state does not allow this call"


class ClosedError(Error):
    """The object is closed."""

    status = Status.CLOSED
    text = "the object is closed"
    advice = "make a new one"


class TimeoutError(Error, builtins.TimeoutError):
    """The time allowed for the call has passed."""

    status = Status.TIMEOUT
    retriable = True
    text = "the time allowed for the call has passed"
    advice = "allow more time, or look at the service"


class SendCancelledError(Error):
    """The operation was cancelled."""

    status = Status.CANCELLED
    text = "the operation was cancelled"


class UnsupportedError(Error):
    """Not supported by this key, this peer or this build."""

    status = Status.UNSUPPORTED
    text = "not supported by this key, this peer or this build"


class ForkedError(Error):
    """The object belongs to the parent process; after fork() make a new one."""

    status = Status.FORKED
    text = "the object belongs to the parent process; after fork() make a new one"


class WouldDeadlockError(Error):
    """A waiting call is not allowed on an I/O thread or in a callback."""

    status = Status.WOULD_DEADLOCK
    text = "a waiting call is not allowed on an I/O thread or in a callback"


class BusyError(Error):
    """The object is in use by another call."""

    status = Status.BUSY
    retriable = True
    text = "the object is in use by another call"


class NotFoundError(Error):
    """There is no such thing."""

    status = Status.NOT_FOUND
    text = "there is no such thing"


class TooSmallError(Error):
    """The buffer given is too small; the size needed was stored."""

    status = Status.TOO_SMALL
    text = "the buffer given is too small; the size needed was stored"


class SystemCallError(Error, OSError):
    """A system call failed."""

    status = Status.SYSTEM
    retriable = True
    text = "a system call failed"


class AddressInUseError(Error, OSError):
    """The address is in use by another program."""

    status = Status.ADDRESS_IN_USE
    retriable = True
    text = "the address is in use by another program"
    advice = "take port 0 for a free one"


class NotPermittedError(Error, PermissionError):
    """The operating system does not permit this."""

    status = Status.NOT_PERMITTED
    text = "the operating system does not permit this"


class BadHexError(Error, ValueError):
    """Not hexadecimal: an odd number of digits or a foreign character."""

    status = Status.BAD_HEX
    text = "not hexadecimal: an odd number of digits or a foreign character"
    advice = "pass bytes, or an even number of hex digits"


class BadKeyError(Error, ValueError):
    """Not a valid key: wrong size, wrong form, or not a point on the curve."""

    status = Status.BAD_KEY
    text = "not a valid key: wrong size, wrong form, or not a point on the curve"


class BadRecipientError(Error, ValueError):
    """A recipient is an id (16 bytes) or a public key (33 or 65 bytes), as bytes or hex."""

    status = Status.BAD_RECIPIENT
    text = "a recipient is an id (16 bytes) or a public key (33 or 65 bytes), as bytes or hex"


class BadSignatureError(Error):
    """The signature does not fit."""

    status = Status.BAD_SIGNATURE
    text = "the signature does not fit"


class BadSealError(Error):
    """The seal does not open: changed on the way, or another key, key form or salt."""

    status = Status.BAD_SEAL
    text = "the seal does not open: changed on the way, or another key, key form or salt"


class UnknownOptionError(Error, TypeError):
    """There is no option of this name in this scope."""

    status = Status.UNKNOWN_OPTION
    text = "there is no option of this name in this scope"


class BadOptionError(Error, ValueError):
    """The option's value is malformed or out of its range."""

    status = Status.BAD_OPTION
    text = "the option's value is malformed or out of its range"


class NotConnectedError(Error, ConnectionError):
    """Not connected to any service."""

    status = Status.NOT_CONNECTED
    retriable = True
    text = "not connected to any service"


class ResolveError(Error, ConnectionError):
    """The service's host name could not be resolved."""

    status = Status.RESOLVE
    retriable = True
    text = "the service's host name could not be resolved"


class ConnectError(Error, ConnectionError):
    """The service could not be reached."""

    status = Status.CONNECT
    retriable = True
    text = "the service could not be reached"


class TlsError(Error, ConnectionError):
    """The TLS handshake failed or the certificate is not trusted for this host."""

    status = Status.TLS
    retriable = True
    text = "the TLS handshake failed or the certificate is not trusted for this host"
    advice = "check the host name, or pass ca_file for a private authority"


class UpgradeError(Error, ConnectionError):
    """The peer answered, but not as a websocket service."""

    status = Status.UPGRADE
    retriable = True
    text = "the peer answered, but not as a websocket service"
    advice = "check the URL"


class ProtocolError(Error, ConnectionError):
    """The peer broke the protocol."""

    status = Status.PROTOCOL
    retriable = True
    text = "the peer broke the protocol"


class RefusedError(Error, ConnectionError):
    """The service refused the handshake (close code 1008)."""

    status = Status.REFUSED
    retriable = True
    text = "the service refused the handshake (close code 1008)"
    advice = "check the identity, and the clock of both sides"


class DeniedError(Error, ConnectionError):
    """The service's lists deny this identity (close code 4003)."""

    status = Status.DENIED
    text = "the service's lists deny this identity (close code 4003)"
    advice = "ask whoever runs the service"


class ReplacedError(Error, ConnectionError):
    """A newer connection of the same key took over (close code 4001)."""

    status = Status.REPLACED
    text = "a newer connection of the same key took over (close code 4001)"
    advice = "use one identity in one place only, or pass reconnect_when_replaced=True"


class WorkTooHardError(Error):
    """The service asks for more proof of work than the option `max-work` allows."""

    status = Status.WORK_TOO_HARD
    text = "the service asks for more proof of work than the option `max-work` allows"
    advice = "pass a larger max_work if you trust the service"


class LostError(Error, ConnectionError):
    """The connection was lost."""

    status = Status.LOST
    retriable = True
    text = "the connection was lost"


class UnresponsiveError(Error, ConnectionError):
    """The peer did not answer in time."""

    status = Status.UNRESPONSIVE
    retriable = True
    text = "the peer did not answer in time"


class DrainingError(Error, ConnectionError):
    """The service is shutting down or restarting (close code 1001)."""

    status = Status.DRAINING
    retriable = True
    text = "the service is shutting down or restarting (close code 1001)"


class SlowReaderError(Error, ConnectionError):
    """The service gave up on us for reading too slowly (close code 4004)."""

    status = Status.SLOW_READER
    retriable = True
    text = "the service gave up on us for reading too slowly (close code 4004)"
    advice = "take messages faster"


class KeyBusyError(Error):
    """This key was taken over too often, and its present connection stays (close code 4005)."""

    status = Status.KEY_BUSY
    retriable = True
    text = "this key was taken over too often, and its present connection stays (close code 4005)"


class OutboxFullError(Error):
    """The outbox is full; wait for the writable event."""

    status = Status.OUTBOX_FULL
    retriable = True
    text = "the outbox is full; wait for the writable event"
    advice = "await the send, or pass a larger outbox_count or outbox_bytes"


class ExpiredError(Error, builtins.TimeoutError):
    """The payload was not written within the time allowed."""

    status = Status.EXPIRED
    retriable = True
    text = "the payload was not written within the time allowed"
    advice = "pass a longer timeout, or look at the connection"


class TooLargeError(Error, ValueError):
    """The payload is larger than the limit."""

    status = Status.TOO_LARGE
    text = "the payload is larger than the limit"
    advice = "split it, or raise max_payload here and max_frame at the service"


class NotHereError(Error):
    """The recipient is not here, and has no mailbox."""

    status = Status.NOT_HERE
    retriable = True
    text = "the recipient is not here, and has no mailbox"


class MailboxFullError(Error):
    """The recipient's mailbox, or the sender's share of mailboxes, is full."""

    status = Status.MAILBOX_FULL
    retriable = True
    text = "the recipient's mailbox, or the sender's share of mailboxes, is full"


class MailboxExpiredError(Error):
    """The payload waited in the recipient's mailbox until its time was over."""

    status = Status.MAILBOX_EXPIRED
    retriable = True
    text = "the payload waited in the recipient's mailbox until its time was over"


class QueueFullError(Error):
    """The recipient's queue at the service, or the sender's share of it, is full."""

    status = Status.QUEUE_FULL
    retriable = True
    text = "the recipient's queue at the service, or the sender's share of it, is full"


class NotDeliveredError(Error):
    """The service did not pass the payload on, and does not say why."""

    status = Status.NOT_DELIVERED
    retriable = True
    text = "the service did not pass the payload on, and does not say why"


class UndeterminedError(Error):
    """The payload was sent, and whether it was delivered cannot be known."""

    status = Status.UNDETERMINED
    text = "the payload was sent, and whether it was delivered cannot be known"


class ServiceMemoryError(Error):
    """The service has no memory for the payload."""

    status = Status.SERVICE_MEMORY
    retriable = True
    text = "the service has no memory for the payload"


class RemoteError(Error):
    """The recipient answered the request with an error."""

    status = Status.REMOTE_ERROR
    text = "the recipient answered the request with an error"
    code: int = 0
    """Its code; JSON-RPC 2.0 gives those from -32768 to -32000 a meaning."""
    remote_message: str = ""
    """What the recipient has written for people."""
    data: Any = None
    """What it has added."""


class NotEnoughAnswersError(Error):
    """Too few of those that were asked gave a result, or the same one."""

    status = Status.NOT_ENOUGH_ANSWERS
    retriable = True
    text = "too few of those that were asked gave a result, or the same one"
    advice = "look at its failures, or pass a smaller need"
    answers: Mapping[Id, Any] = {}
    """The results that came until then."""
    failures: Mapping[Id, Error] = {}
    """Of those who gave none until then."""


CLASSES: dict[int, type[Error]] = {
    1: InvalidError,
    2: OutOfMemoryError,
    3: BadStateError,
    4: ClosedError,
    5: TimeoutError,
    6: SendCancelledError,
    7: UnsupportedError,
    8: ForkedError,
    9: WouldDeadlockError,
    10: BusyError,
    11: NotFoundError,
    12: TooSmallError,
    13: SystemCallError,
    14: AddressInUseError,
    15: NotPermittedError,
    20: BadHexError,
    21: BadKeyError,
    22: BadRecipientError,
    23: BadSignatureError,
    24: BadSealError,
    30: UnknownOptionError,
    31: BadOptionError,
    40: NotConnectedError,
    41: ResolveError,
    42: ConnectError,
    43: TlsError,
    44: UpgradeError,
    45: ProtocolError,
    46: RefusedError,
    47: DeniedError,
    48: ReplacedError,
    49: WorkTooHardError,
    50: LostError,
    51: UnresponsiveError,
    52: DrainingError,
    53: SlowReaderError,
    54: KeyBusyError,
    60: OutboxFullError,
    61: ExpiredError,
    62: TooLargeError,
    63: NotHereError,
    64: MailboxFullError,
    65: MailboxExpiredError,
    66: QueueFullError,
    67: NotDeliveredError,
    68: UndeterminedError,
    69: ServiceMemoryError,
    70: RemoteError,
    71: NotEnoughAnswersError,
}

__all__ = [
    "Error",
    "AddressInUseError",
    "BadHexError",
    "BadKeyError",
    "BadOptionError",
    "BadRecipientError",
    "BadSealError",
    "BadSignatureError",
    "BadStateError",
    "BusyError",
    "ClosedError",
    "ConnectError",
    "DeniedError",
    "DrainingError",
    "ExpiredError",
    "ForkedError",
    "InvalidError",
    "KeyBusyError",
    "LostError",
    "MailboxExpiredError",
    "MailboxFullError",
    "NotConnectedError",
    "NotDeliveredError",
    "NotEnoughAnswersError",
    "NotFoundError",
    "NotHereError",
    "NotPermittedError",
    "OutOfMemoryError",
    "OutboxFullError",
    "ProtocolError",
    "QueueFullError",
    "RefusedError",
    "RemoteError",
    "ReplacedError",
    "ResolveError",
    "SendCancelledError",
    "ServiceMemoryError",
    "SlowReaderError",
    "SystemCallError",
    "TimeoutError",
    "TlsError",
    "TooLargeError",
    "TooSmallError",
    "UndeterminedError",
    "UnknownOptionError",
    "UnresponsiveError",
    "UnsupportedError",
    "UpgradeError",
    "WorkTooHardError",
    "WouldDeadlockError",
]
