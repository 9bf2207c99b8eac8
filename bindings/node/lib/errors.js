'use strict';
// The errors, one class for each status of the core.
// Written by tools/generate.js from the core's table; not by hand.

/** An advice without its alternatives that were followed already: options that were passed. */
function useful(advice, passed) {
  const followed = (part) => passed.includes(/^pass (\w+)/.exec(part)?.[1]);
  return advice.split(/, or (?=pass )/).filter((part) => !followed(part)).join(', or ');
}

class AcurastError extends Error {
  constructor(detail = '', options = undefined) {
    const { text, advice } = new.target.prototype;
    const left = useful(advice, options?.passed ?? []);
    super([text, detail && ` (${detail})`, left && `; ${left}`].filter(Boolean).join(''), options);
    Object.defineProperty(this, 'detail', { value: detail });
  }
}

/** The class of a status, by its number. */
const BY_STATUS = new Map();

function describe(title, status, code, retriable, text, advice = '') {
  const fixed = { name: title.name, status, code, retriable, text, advice };
  for (const [key, value] of Object.entries(fixed)) {
    Object.defineProperty(title.prototype, key, { value, writable: true, configurable: true });
  }
  BY_STATUS.set(status, title);
}

describe(AcurastError, 0, 'ACURAST', false, 'failed');

class InvalidError extends AcurastError {}
describe(InvalidError, 1, 'ACURAST_INVALID', false,
  'an argument is missing or has a value that is not allowed',
);

class OutOfMemoryError extends AcurastError {}
describe(OutOfMemoryError, 2, 'ACURAST_NO_MEMORY', true,
  'out of memory',
);

class BadStateError extends AcurastError {}
describe(BadStateError, 3, 'ACURAST_BAD_STATE', false,
  "the object's present state does not allow this call",
);

class ClosedError extends AcurastError {}
describe(ClosedError, 4, 'ACURAST_CLOSED', false,
  'the object is closed',
  'make a new one',
);

class TimeoutError extends AcurastError {}
describe(TimeoutError, 5, 'ACURAST_TIMEOUT', true,
  'the time allowed for the call has passed',
  'allow more time, or look at the service',
);

class SendCancelledError extends AcurastError {}
describe(SendCancelledError, 6, 'ACURAST_CANCELLED', false,
  'the operation was cancelled',
);

class UnsupportedError extends AcurastError {}
describe(UnsupportedError, 7, 'ACURAST_UNSUPPORTED', false,
  'not supported by this key, this peer or this build',
);

class ForkedError extends AcurastError {}
describe(ForkedError, 8, 'ACURAST_FORKED', false,
  'the object belongs to the parent process; after fork() make a new one',
);

class WouldDeadlockError extends AcurastError {}
describe(WouldDeadlockError, 9, 'ACURAST_WOULD_DEADLOCK', false,
  'a waiting call is not allowed on an I/O thread or in a callback',
);

class BusyError extends AcurastError {}
describe(BusyError, 10, 'ACURAST_BUSY', true,
  'the object is in use by another call',
);

class NotFoundError extends AcurastError {}
describe(NotFoundError, 11, 'ACURAST_NOT_FOUND', false,
  'there is no such thing',
);

class TooSmallError extends AcurastError {}
describe(TooSmallError, 12, 'ACURAST_TOO_SMALL', false,
  'the buffer given is too small; the size needed was stored',
);

class SystemCallError extends AcurastError {}
describe(SystemCallError, 13, 'ACURAST_SYSTEM', true,
  'a system call failed',
);

class AddressInUseError extends AcurastError {}
describe(AddressInUseError, 14, 'ACURAST_ADDRESS_IN_USE', true,
  'the address is in use by another program',
  'take port 0 for a free one',
);

class NotPermittedError extends AcurastError {}
describe(NotPermittedError, 15, 'ACURAST_NOT_PERMITTED', false,
  'the operating system does not permit this',
);

class BadHexError extends AcurastError {}
describe(BadHexError, 20, 'ACURAST_BAD_HEX', false,
  'not hexadecimal: an odd number of digits or a foreign character',
  'pass bytes, or an even number of hex digits',
);

class BadKeyError extends AcurastError {}
describe(BadKeyError, 21, 'ACURAST_BAD_KEY', false,
  'not a valid key: wrong size, wrong form, or not a point on the curve',
);

class BadRecipientError extends AcurastError {}
describe(BadRecipientError, 22, 'ACURAST_BAD_RECIPIENT', false,
  'a recipient is an id (16 bytes) or a public key (33 or 65 bytes), as bytes or hex',
);

class BadSignatureError extends AcurastError {}
describe(BadSignatureError, 23, 'ACURAST_BAD_SIGNATURE', false,
  'the signature does not fit',
);

class BadSealError extends AcurastError {}
describe(BadSealError, 24, 'ACURAST_BAD_SEAL', false,
  'the seal does not open: changed on the way, or another key, key form or salt',
);

class UnknownOptionError extends AcurastError {}
describe(UnknownOptionError, 30, 'ACURAST_UNKNOWN_OPTION', false,
  'there is no option of this name in this scope',
);

class BadOptionError extends AcurastError {}
describe(BadOptionError, 31, 'ACURAST_BAD_OPTION', false,
  "the option's value is malformed or out of its range",
);

class NotConnectedError extends AcurastError {}
describe(NotConnectedError, 40, 'ACURAST_NOT_CONNECTED', true,
  'not connected to any service',
);

class ResolveError extends AcurastError {}
describe(ResolveError, 41, 'ACURAST_RESOLVE', true,
  "the service's host name could not be resolved",
);

class ConnectError extends AcurastError {}
describe(ConnectError, 42, 'ACURAST_CONNECT', true,
  'the service could not be reached',
);

class TlsError extends AcurastError {}
describe(TlsError, 43, 'ACURAST_TLS', true,
  'the TLS handshake failed or the certificate is not trusted for this host',
  'check the host name, or pass caFile for a private authority',
);

class UpgradeError extends AcurastError {}
describe(UpgradeError, 44, 'ACURAST_UPGRADE', true,
  'the peer answered, but not as a websocket service',
  'check the URL',
);

class ProtocolError extends AcurastError {}
describe(ProtocolError, 45, 'ACURAST_PROTOCOL', true,
  'the peer broke the protocol',
);

class RefusedError extends AcurastError {}
describe(RefusedError, 46, 'ACURAST_REFUSED', true,
  'the service refused the handshake (close code 1008)',
  'check the identity, and the clock of both sides',
);

class DeniedError extends AcurastError {}
describe(DeniedError, 47, 'ACURAST_DENIED', false,
  "the service's lists deny this identity (close code 4003)",
  'ask whoever runs the service',
);

class ReplacedError extends AcurastError {}
describe(ReplacedError, 48, 'ACURAST_REPLACED', false,
  'a newer connection of the same key took over (close code 4001)',
  'use one identity in one place only, or pass reconnectWhenReplaced: true',
);

class WorkTooHardError extends AcurastError {}
describe(WorkTooHardError, 49, 'ACURAST_WORK_TOO_HARD', false,
  'the service asks for more proof of work than the option `max-work` allows',
  'pass a larger maxWork if you trust the service',
);

class LostError extends AcurastError {}
describe(LostError, 50, 'ACURAST_LOST', true,
  'the connection was lost',
);

class UnresponsiveError extends AcurastError {}
describe(UnresponsiveError, 51, 'ACURAST_UNRESPONSIVE', true,
  'the peer did not answer in time',
);

class DrainingError extends AcurastError {}
describe(DrainingError, 52, 'ACURAST_DRAINING', true,
  'the service is shutting down or restarting (close code 1001)',
);

class SlowReaderError extends AcurastError {}
describe(SlowReaderError, 53, 'ACURAST_SLOW_READER', true,
  'the service gave up on us for reading too slowly (close code 4004)',
  'take messages faster',
);

class KeyBusyError extends AcurastError {}
describe(KeyBusyError, 54, 'ACURAST_KEY_BUSY', true,
  'this key was taken over too often, and its present connection stays (close code 4005)',
);

class OutboxFullError extends AcurastError {}
describe(OutboxFullError, 60, 'ACURAST_OUTBOX_FULL', true,
  'the outbox is full; wait for the writable event',
  'await the send, or pass a larger outboxCount or outboxBytes',
);

class ExpiredError extends AcurastError {}
describe(ExpiredError, 61, 'ACURAST_EXPIRED', true,
  'the payload was not written within the time allowed',
  'pass a longer timeout, or look at the connection',
);

class TooLargeError extends AcurastError {}
describe(TooLargeError, 62, 'ACURAST_TOO_LARGE', false,
  'the payload is larger than the limit',
  'split it, or raise maxPayload here and maxFrame at the service',
);

class NotHereError extends AcurastError {}
describe(NotHereError, 63, 'ACURAST_NOT_HERE', true,
  'the recipient is not here, and has no mailbox',
);

class MailboxFullError extends AcurastError {}
describe(MailboxFullError, 64, 'ACURAST_MAILBOX_FULL', true,
  "the recipient's mailbox, or the sender's share of mailboxes, is full",
);

class MailboxExpiredError extends AcurastError {}
describe(MailboxExpiredError, 65, 'ACURAST_MAILBOX_EXPIRED', true,
  "the payload waited in the recipient's mailbox until its time was over",
);

class QueueFullError extends AcurastError {}
describe(QueueFullError, 66, 'ACURAST_QUEUE_FULL', true,
  "the recipient's queue at the service, or the sender's share of it, is full",
);

class NotDeliveredError extends AcurastError {}
describe(NotDeliveredError, 67, 'ACURAST_NOT_DELIVERED', true,
  'the service did not pass the payload on, and does not say why',
);

class UndeterminedError extends AcurastError {}
describe(UndeterminedError, 68, 'ACURAST_UNDETERMINED', false,
  'the payload was sent, and whether it was delivered cannot be known',
  'ask the recipient before you send it again',
);

class ServiceMemoryError extends AcurastError {}
describe(ServiceMemoryError, 69, 'ACURAST_SERVICE_MEMORY', true,
  'the service has no memory for the payload',
);

class RemoteError extends AcurastError {}
describe(RemoteError, 70, 'ACURAST_REMOTE_ERROR', false,
  'the recipient answered the request with an error',
);

class NotEnoughAnswersError extends AcurastError {}
describe(NotEnoughAnswersError, 71, 'ACURAST_NOT_ENOUGH_ANSWERS', true,
  'too few of those that were asked gave a result, or the same one',
  'look at its failures, or pass a smaller need',
);

/** The error of a status that the core answered, which need not advise to pass the options named in passed. */
function errorOf(status, detail = '', passed = []) {
  return new (BY_STATUS.get(status) ?? AcurastError)(detail, { passed });
}

module.exports = {
  errorOf,
  errors: {
    AcurastError,
    AddressInUseError,
    BadHexError,
    BadKeyError,
    BadOptionError,
    BadRecipientError,
    BadSealError,
    BadSignatureError,
    BadStateError,
    BusyError,
    ClosedError,
    ConnectError,
    DeniedError,
    DrainingError,
    ExpiredError,
    ForkedError,
    InvalidError,
    KeyBusyError,
    LostError,
    MailboxExpiredError,
    MailboxFullError,
    NotConnectedError,
    NotDeliveredError,
    NotEnoughAnswersError,
    NotFoundError,
    NotHereError,
    NotPermittedError,
    OutOfMemoryError,
    OutboxFullError,
    ProtocolError,
    QueueFullError,
    RefusedError,
    RemoteError,
    ReplacedError,
    ResolveError,
    SendCancelledError,
    ServiceMemoryError,
    SlowReaderError,
    SystemCallError,
    TimeoutError,
    TlsError,
    TooLargeError,
    TooSmallError,
    UndeterminedError,
    UnknownOptionError,
    UnresponsiveError,
    UnsupportedError,
    UpgradeError,
    WorkTooHardError,
    WouldDeadlockError,
  },
};
