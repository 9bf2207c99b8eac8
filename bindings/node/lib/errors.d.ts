// Written by tools/generate.js from the core's table; not by hand.

import type { Answer, Failure } from '../index';

/** Whatever this package rejects with or throws, but for TypeError and RangeError on bad arguments. */
export declare class AcurastError extends Error {
  /** `detail` says more than the class's own text; it ends up in `message` too. */
  constructor(detail?: string, options?: ErrorOptions);
  /** Such as `'ACURAST_TIMEOUT'`; the status's name in the core. */
  readonly code: string;
  /** The status's number in the core. */
  readonly status: number;
  /** Whether the same call may succeed later as it is. */
  readonly retriable: boolean;
  /** What the status means. */
  readonly text: string;
  /** What to do about it, or ''. */
  readonly advice: string;
  /** What more is known of this case, or ''. */
  readonly detail: string;
}

/** An argument is missing or has a value that is not allowed. */
export declare class InvalidError extends AcurastError {
  readonly code: 'ACURAST_INVALID';
}

/** Out of memory. Retriable. */
export declare class OutOfMemoryError extends AcurastError {
  readonly code: 'ACURAST_NO_MEMORY';
}

/** The object's present state does not allow this call. */
export declare class BadStateError extends AcurastError {
  readonly code: 'ACURAST_BAD_STATE';
}

/** The object is closed. Make a new one. */
export declare class ClosedError extends AcurastError {
  readonly code: 'ACURAST_CLOSED';
}

/** The time allowed for the call has passed. Allow more time, or look at the service. Retriable. */
export declare class TimeoutError extends AcurastError {
  readonly code: 'ACURAST_TIMEOUT';
}

/** The operation was cancelled. */
export declare class SendCancelledError extends AcurastError {
  readonly code: 'ACURAST_CANCELLED';
}

/** Not supported by this key, this peer or this build. */
export declare class UnsupportedError extends AcurastError {
  readonly code: 'ACURAST_UNSUPPORTED';
}

/** The object belongs to the parent process; after fork() make a new one. */
export declare class ForkedError extends AcurastError {
  readonly code: 'ACURAST_FORKED';
}

/** A waiting call is not allowed on an I/O thread or in a callback. */
export declare class WouldDeadlockError extends AcurastError {
  readonly code: 'ACURAST_WOULD_DEADLOCK';
}

/** The object is in use by another call. Retriable. */
export declare class BusyError extends AcurastError {
  readonly code: 'ACURAST_BUSY';
}

/** There is no such thing. */
export declare class NotFoundError extends AcurastError {
  readonly code: 'ACURAST_NOT_FOUND';
}

/** The buffer given is too small; the size needed was stored. */
export declare class TooSmallError extends AcurastError {
  readonly code: 'ACURAST_TOO_SMALL';
}

/** A system call failed. Retriable. */
export declare class SystemCallError extends AcurastError {
  readonly code: 'ACURAST_SYSTEM';
}

/** The address is in use by another program. Take port 0 for a free one. Retriable. */
export declare class AddressInUseError extends AcurastError {
  readonly code: 'ACURAST_ADDRESS_IN_USE';
}

/** The operating system does not permit this. */
export declare class NotPermittedError extends AcurastError {
  readonly code: 'ACURAST_NOT_PERMITTED';
}

/**
 * Not hexadecimal: an odd number of digits or a foreign character. Pass bytes, or an even number of hex
 * digits.
 */
export declare class BadHexError extends AcurastError {
  readonly code: 'ACURAST_BAD_HEX';
}

/** Not a valid key: wrong size, wrong form, or not a point on the curve. */
export declare class BadKeyError extends AcurastError {
  readonly code: 'ACURAST_BAD_KEY';
}

/** A recipient is an id (16 bytes) or a public key (33 or 65 bytes), as bytes or hex. */
export declare class BadRecipientError extends AcurastError {
  readonly code: 'ACURAST_BAD_RECIPIENT';
}

/** The signature does not fit. */
export declare class BadSignatureError extends AcurastError {
  readonly code: 'ACURAST_BAD_SIGNATURE';
}

/** The seal does not open: changed on the way, or another key, key form or salt. */
export declare class BadSealError extends AcurastError {
  readonly code: 'ACURAST_BAD_SEAL';
}

/** There is no option of this name in this scope. */
export declare class UnknownOptionError extends AcurastError {
  readonly code: 'ACURAST_UNKNOWN_OPTION';
}

/** The option's value is malformed or out of its range. */
export declare class BadOptionError extends AcurastError {
  readonly code: 'ACURAST_BAD_OPTION';
}

/** Not connected to any service. Retriable. */
export declare class NotConnectedError extends AcurastError {
  readonly code: 'ACURAST_NOT_CONNECTED';
}

/** The service's host name could not be resolved. Retriable. */
export declare class ResolveError extends AcurastError {
  readonly code: 'ACURAST_RESOLVE';
}

/** The service could not be reached. Retriable. */
export declare class ConnectError extends AcurastError {
  readonly code: 'ACURAST_CONNECT';
}

/**
 * The TLS handshake failed or the certificate is not trusted for this host. Check the host name, or pass
 * caFile for a private authority. Retriable.
 */
export declare class TlsError extends AcurastError {
  readonly code: 'ACURAST_TLS';
}

/** The peer answered, but not as a websocket service. Check the URL. Retriable. */
export declare class UpgradeError extends AcurastError {
  readonly code: 'ACURAST_UPGRADE';
}

/** The peer broke the protocol. Retriable. */
export declare class ProtocolError extends AcurastError {
  readonly code: 'ACURAST_PROTOCOL';
}

/**
 * The service refused the handshake (close code 1008). Check the identity, and the clock of both sides.
 * Retriable.
 */
export declare class RefusedError extends AcurastError {
  readonly code: 'ACURAST_REFUSED';
}

/** The service's lists deny this identity (close code 4003). Ask whoever runs the service. */
export declare class DeniedError extends AcurastError {
  readonly code: 'ACURAST_DENIED';
}

/**
 * A newer connection of the same key took over (close code 4001). Use one identity in one place only, or
 * pass reconnectWhenReplaced: true.
 */
export declare class ReplacedError extends AcurastError {
  readonly code: 'ACURAST_REPLACED';
}

/**
 * The service asks for more proof of work than the option `max-work` allows. Pass a larger maxWork if you
 * trust the service.
 */
export declare class WorkTooHardError extends AcurastError {
  readonly code: 'ACURAST_WORK_TOO_HARD';
}

/** The connection was lost. Retriable. */
export declare class LostError extends AcurastError {
  readonly code: 'ACURAST_LOST';
}

/** The peer did not answer in time. Retriable. */
export declare class UnresponsiveError extends AcurastError {
  readonly code: 'ACURAST_UNRESPONSIVE';
}

/** The service is shutting down or restarting (close code 1001). Retriable. */
export declare class DrainingError extends AcurastError {
  readonly code: 'ACURAST_DRAINING';
}

/** The service gave up on us for reading too slowly (close code 4004). Take messages faster. Retriable. */
export declare class SlowReaderError extends AcurastError {
  readonly code: 'ACURAST_SLOW_READER';
}

/** This key was taken over too often, and its present connection stays (close code 4005). Retriable. */
export declare class KeyBusyError extends AcurastError {
  readonly code: 'ACURAST_KEY_BUSY';
}

/**
 * The outbox is full; wait for the writable event. Await the send, or pass a larger outboxCount or
 * outboxBytes. Retriable.
 */
export declare class OutboxFullError extends AcurastError {
  readonly code: 'ACURAST_OUTBOX_FULL';
}

/**
 * The payload was not written within the time allowed. Pass a longer timeout, or look at the connection.
 * Retriable.
 */
export declare class ExpiredError extends AcurastError {
  readonly code: 'ACURAST_EXPIRED';
}

/** The payload is larger than the limit. Split it, or raise maxPayload here and maxFrame at the service. */
export declare class TooLargeError extends AcurastError {
  readonly code: 'ACURAST_TOO_LARGE';
}

/** The recipient is not here, and has no mailbox. Retriable. */
export declare class NotHereError extends AcurastError {
  readonly code: 'ACURAST_NOT_HERE';
}

/** The recipient's mailbox, or the sender's share of mailboxes, is full. Retriable. */
export declare class MailboxFullError extends AcurastError {
  readonly code: 'ACURAST_MAILBOX_FULL';
}

/** The payload waited in the recipient's mailbox until its time was over. Retriable. */
export declare class MailboxExpiredError extends AcurastError {
  readonly code: 'ACURAST_MAILBOX_EXPIRED';
}

/** The recipient's queue at the service, or the sender's share of it, is full. Retriable. */
export declare class QueueFullError extends AcurastError {
  readonly code: 'ACURAST_QUEUE_FULL';
}

/** The service did not pass the payload on, and does not say why. Retriable. */
export declare class NotDeliveredError extends AcurastError {
  readonly code: 'ACURAST_NOT_DELIVERED';
}

/**
 * The payload was sent, and whether it was delivered cannot be known. Ask the recipient before you send it
 * again.
 */
export declare class UndeterminedError extends AcurastError {
  readonly code: 'ACURAST_UNDETERMINED';
}

/** The service has no memory for the payload. Retriable. */
export declare class ServiceMemoryError extends AcurastError {
  readonly code: 'ACURAST_SERVICE_MEMORY';
}

/** The recipient answered the request with an error. */
export declare class RemoteError extends AcurastError {
  readonly code: 'ACURAST_REMOTE_ERROR';
  /** The code that the recipient gave, such as -32601 where it has no such method. */
  readonly remoteCode: number;
  /** What it said, as it came; in `message` what would steer a terminal is escaped. */
  readonly remoteMessage: string;
  /** What it gave besides, or undefined. */
  readonly data: unknown;
}

/**
 * Too few of those that were asked gave a result, or the same one. Look at its failures, or pass a smaller
 * need. Retriable.
 */
export declare class NotEnoughAnswersError extends AcurastError {
  readonly code: 'ACURAST_NOT_ENOUGH_ANSWERS';
  /** What came until then, in order. */
  readonly answers: readonly Answer<unknown>[];
  readonly failures: readonly Failure[];
}
