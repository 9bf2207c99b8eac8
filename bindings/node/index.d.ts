/// <reference types="node" />
// The package's types. The errors and the options are generated from the core's tables: lib/errors.d.ts, lib/settings.d.ts.

import { EventEmitter } from 'node:events';
import { AcurastError } from './lib/errors';
import type { ClientSettings, ContextOptions, ServiceSettings } from './lib/settings';

export * from './lib/errors';
export type { ClientSettings, ContextOptions, ServiceSettings } from './lib/settings';
export { AcurastClient, WebSocketTransportClient } from './lib/compat';

/** The version of the core, such as '0.1.0'. */
export declare const version: string;

/** Bytes of any kind; they are copied. */
export type Bytes = Uint8Array | ArrayBuffer;

/** An id (16 bytes), a compressed public key (33) or an uncompressed one (65): as bytes, or as hex with or without 0x. */
export type Key = Uint8Array | ArrayBuffer | string | Identity;

/**
 * Options of the I/O threads that serve the clients of this thread (a worker has its own). Call it before the first client is
 * made; BadStateError afterwards.
 */
export declare function configure(options: ContextOptions): void;

/**
 * P-256 is what every service speaks; Ed25519 is an extension of libacurast. secp256k1 keys sign and seal, and are never who a
 * client is.
 */
export type KeyKind = 'p256' | 'ed25519' | 'secp256k1';

/**
 * A key pair. It never changes; any number of clients may use it at once. The secret stays in guarded memory of the core and
 * leaves it only by `toPem()` and `secret()`.
 */
export declare class Identity {
  private constructor();
  /** A new random key pair. `kind`: 'p256' unless told otherwise. */
  static generate(kind?: KeyKind): Identity;
  /** From PEM text: PKCS#8 (all kinds) or SEC1 (P-256, secp256k1), not encrypted, at most 64 KiB. Throws BadKeyError. */
  static fromPem(pem: string | Uint8Array): Identity;
  /** From a secret: 32 bytes, or 64 hex digits with or without 0x. Throws BadHexError or BadKeyError. */
  static fromSecret(secret: Uint8Array | string, kind?: KeyKind): Identity;
  /** The id: 32 hex digits. */
  readonly id: string;
  /** The public key as it travels, 33 bytes: 66 hex digits. */
  readonly publicKey: string;
  /** The 65 bytes of SEC1: 130 hex digits. Throws UnsupportedError for Ed25519. */
  readonly uncompressedKey: string;
  readonly kind: KeyKind;
  /** The key pair as PKCS#8 PEM. Keep it secret. */
  toPem(): string;
  /** The raw secret, 32 bytes. Keep it secret, and wipe it after use. */
  secret(): Uint8Array;
  /** A signature of the message, 64 bytes: ECDSA over its SHA-256 as r and s, or Ed25519. On secp256k1 s is always low. */
  sign(message: Bytes): Uint8Array;
  /** A signature of a digest (32 bytes) as it is. Throws UnsupportedError for Ed25519. */
  signDigest(digest: Uint8Array): Uint8Array;
  /**
   * Seals bytes for the owner of `peerKey` (of the same kind, 33 or 65 bytes; its form counts), as deployed processors know it:
   * AES-256-GCM under a key that follows from both key pairs and `salt` (at most 64 KiB, no secret). 28 bytes longer than
   * `plaintext`. Both sides can open it. Throws UnsupportedError for Ed25519, BadKeyError, BadHexError or TooLargeError.
   */
  seal(peerKey: Key, salt: Bytes, plaintext: Bytes): Uint8Array;
  /**
   * Opens what the owner of `peerKey` sealed for this identity, or this identity for him. Throws BadSealError where it does not
   * open, else as seal().
   */
  open(peerKey: Key, salt: Bytes, sealed: Bytes): Uint8Array;
  /** Without the secret. */
  toJSON(): { id: string; publicKey: string };
}

/**
 * Whether `signature` (64 bytes) of `message` is by `key` (33 or 65 bytes). `kind`: a key tells whether it is of P-256 or Ed25519;
 * that it is of secp256k1 has to be said. Throws BadKeyError or BadHexError for what is no key.
 */
export declare function verify(key: Key, message: Bytes, signature: Uint8Array, kind?: KeyKind): boolean;
/** The same for `signDigest()`. Throws UnsupportedError for an Ed25519 key. */
export declare function verifyDigest(key: Key, digest: Uint8Array, signature: Uint8Array, kind?: KeyKind): boolean;
/** The id (32 hex digits) of a key in any form. Throws BadRecipientError (another length), BadHexError or BadKeyError. */
export declare function idOf(key: Key): string;
/** The public key in its 33 bytes, as 66 hex digits. Throws BadHexError or BadKeyError, also for an id. */
export declare function compressKey(key: Key, kind?: KeyKind): string;

/** What waiting calls take. */
export interface WaitOptions {
  /** Ends the wait: the promise rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /**
   * Milliseconds; then the promise rejects with TimeoutError. Without it `connect()` waits 30 seconds, `receive()` for ever, as
   * Infinity does.
   */
  timeout?: number | undefined;
}

/**
 * How far a payload gets. 'written': the operating system has taken its last byte. 'relayed': the service has handed it to the
 * recipient's socket. 'delivered': the recipient says that its program was given it.
 */
export type Level = 'written' | 'relayed' | 'delivered';

/** Whether somebody is connected: 'away' is not, and has a mailbox. */
export type Presence = 'here' | 'away' | 'not here';

export interface SendOptions {
  /**
   * Cancels this send and no other: the promise rejects with the signal's reason at once. It may come too late; then the payload is
   * on its way all the same.
   */
  signal?: AbortSignal | undefined;
  /**
   * Milliseconds, at least 1, until it is written, else ExpiredError; with `until`, until its outcome, and UndeterminedError where
   * it was sent before. Without it, the option `sendTimeout`. What waits for room in a full outbox is not in it yet: a signal ends
   * that wait too.
   */
  timeout?: number | undefined;
  /** How far it must get before the promise resolves (default 'written'). More than that needs a service of libacurast. */
  until?: Level | undefined;
  /**
   * Called, at most once, when the payload waits in the mailbox of a recipient that is away; the promise is settled later. Only
   * together with `until`, 'relayed' or 'delivered'.
   */
  onKept?: (() => void) | undefined;
}

export interface LookOptions {
  /** Ends the look: the promise rejects with the signal's reason at once. */
  signal?: AbortSignal | undefined;
  /** Milliseconds until the answer, at least 1, else ExpiredError. Without it, the option `sendTimeout`. */
  timeout?: number | undefined;
}

/** What a look has found of one id. */
export interface Seen {
  /** 32 hex digits. */
  readonly id: string;
  readonly presence: Presence;
  /** 66 hex digits, of who is here. It fits the id, whatever the service says. */
  readonly publicKey: string | undefined;
}

/** Somebody has left. */
export interface Gone {
  /** 32 hex digits. */
  readonly id: string;
  /** What is left: 'not here', 'away' with a mailbox, or 'here' again, where a newer connection of the same key took over. */
  readonly presence: Presence;
}

/**
 * How a request travels. 'json': JSON-RPC 2.0, which deployed scripts speak. 'msgpack': MessagePack-RPC, where values may be bytes
 * (Uint8Array) and integers of 64 bits (BigInt beyond 2^53) as well; it needs the package @msgpack/msgpack beside this one.
 */
export type Encoding = 'json' | 'msgpack';

/** What a request takes as params: by position, or by name. Whatever its encoding cannot say in it is a TypeError. */
export type Params = readonly unknown[] | object;

export interface RequestOptions {
  /** Milliseconds until the answer, from 1 (default 10,000), else TimeoutError. */
  timeout?: number | undefined;
  /** Ends the request: the promise rejects with the signal's reason. The recipient may be at work on it, and is not told. */
  signal?: AbortSignal | undefined;
  /**
   * It may be executed more than once (default false), so that it can be sent again to a program of another make where nobody knows
   * whether it got there.
   */
  retry?: boolean | undefined;
  /** Called with what the recipient tells on the way. */
  onProgress?: ((value: unknown) => void) | undefined;
  /** Default 'json'. UnsupportedError for 'msgpack' without its package. */
  encoding?: Encoding | undefined;
}

export interface RequestManyOptions extends RequestOptions {
  /** So many results are enough (default: one of each recipient). */
  need?: number | undefined;
  /**
   * The results have to be equal (default false). Of JSON, neither the order of an object's members nor how a number is written counts, and
   * numbers are compared exactly; of MessagePack, bytes are compared.
   */
  agree?: boolean | undefined;
}

/** One of many has answered. */
export interface Answer<T> {
  /** 32 hex digits. */
  readonly id: string;
  readonly value: T;
}

/** One of many has not. */
export interface Failure {
  /** 32 hex digits. */
  readonly id: string;
  readonly error: Error;
}

export interface ManyAnswers<T> {
  /** The value that so many gave; without `agree`, the first. */
  readonly value: T;
  /** In the order in which they came. */
  readonly answers: readonly Answer<T>[];
  readonly failures: readonly Failure[];
}

/** A request, as its handler sees it. */
export interface IncomingRequest {
  /** The asker's id, 32 hex digits: what the service says, no more. */
  readonly sender: string;
  readonly method: string;
  /** In which the asker has asked, and is answered. */
  readonly encoding: Encoding;
  /** Is aborted, by ClosedError or why the client closed by itself, when that happens before the answer. */
  readonly signal: AbortSignal;
  /**
   * Tells the asker how far it is, with any value of the encoding. Resolves once it is on its way, or once that is of no use any more. Rejects
   * with TypeError for what the encoding cannot say, with InvalidError for half a pair of surrogates.
   */
  progress(value: unknown): Promise<void>;
}

/**
 * Answers requests for one method. What it returns is the result; undefined is null. An RpcError that it throws is the error. For whatever
 * else it throws the asker gets the code -32000 and no more. `params` come from a stranger: an array or an object, or undefined. A
 * request in MessagePack whose params cannot be said in JavaScript gets the code -32602, and one of any params -32600 where its package is
 * missing.
 */
export type Handler<P = unknown> = {
  // A method's parameters are compared both ways, so that a handler may name what it expects.
  handle(params: P, request: IncomingRequest): unknown;
}['handle'];

/** Handlers by the names of their methods. */
export type Handlers = Readonly<Record<string, Handler>>;

/** Thrown by a handler: the error that the asker gets, as it is. */
export declare class RpcError extends Error {
  /**
   * `code`: an integer; JSON-RPC 2.0 keeps -32768 to -32000 for what it defines, such as -32602 for wrong params. `data`: a value of the encoding.
   */
  constructor(code: number, message: string, data?: unknown);
  readonly code: number;
  readonly data: unknown;
}

/** Options of a client: who it is, and those of the core. */
export interface ClientOptions extends ClientSettings {
  /** Without one the client makes a new key pair. */
  identity?: Identity | undefined;
  /** Messages that may wait to be taken; beyond, reading from the service pauses (default 1024). */
  inboxCount?: number | undefined;
  /** Their bytes (default 16 MiB). */
  inboxBytes?: number | undefined;
}

export interface ConnectOptions extends ClientOptions, WaitOptions {}

/** One payload that was received. */
export declare class Message {
  private constructor();
  /** The sender's id, 32 hex digits: what the service says, no more. */
  readonly sender: string;
  /** The id it was sent to, 32 hex digits: this client's. */
  readonly recipient: string;
  /** The bytes; they are yours. */
  readonly payload: Uint8Array;
  /** The payload as UTF-8 text. Throws TypeError where it is none. */
  text(): string;
  /** The payload as JSON. Throws SyntaxError or TypeError where it is none. */
  json(): unknown;
}

/** Where a client stands. */
export type State = 'idle' | 'connecting' | 'authenticating' | 'connected' | 'disconnected' | 'closed';

/** A change of state, and why. */
export interface StateChange {
  readonly state: State;
  /** The service that it is, or was last, about; '' before the first. */
  readonly url: string;
  /** Why, for 'disconnected' and 'closed'; undefined where nothing went wrong. */
  readonly error?: AcurastError | undefined;
  /** The websocket close code received; 0 if none was. */
  readonly closeCode: number;
  /** Milliseconds until the next try; undefined if there is none. */
  readonly retryIn: number | undefined;
}

/** Figures of one client since it was made. */
export interface Stats {
  /** Handshakes that ended in accepted. */
  readonly connections: number;
  /** Payloads delivered to the caller. */
  readonly payloadsIn: number;
  /** Payloads whose last byte was taken by the operating system. */
  readonly payloadsOut: number;
  /** Sends that wait now. */
  readonly outboxCount: number;
  /** Payload bytes that wait now. */
  readonly outboxBytes: number;
  /** Frames of an unknown type or version, late challenges and accepteds. */
  readonly ignoredFrames: number;
  /** Payloads before accepted, or for another id: dropped. */
  readonly strayPayloads: number;
  /** Payloads larger than `maxPayload`, from a service that does not heed it: not read. */
  readonly largePayloads: number;
  /** Payloads that were sent again, or before their turn: not delivered. */
  readonly repeats: number;
  /** Receipts of another run, for what is not under way, or not from who may say so: ignored. */
  readonly foreignReceipts: number;
  /** Answers to what is not asked any more, or was asked of somebody else: ignored. */
  readonly strayAnswers: number;
}

/** What a client emits. */
export interface ClientEvents {
  message: [message: Message];
  state: [change: StateChange];
  /**
   * Somebody has left whom a look or a send with `until` had asked for. Told once; the next look or send asks again. The service
   * remembers the newest 1,024 for each client.
   */
  gone: [gone: Gone];
  /**
   * Why the client was disconnected or closed, or why a send failed that an asynchronous listener made, for lack of a service. Emitted
   * only where somebody listens: a service that is away is no reason to die.
   */
  error: [error: AcurastError];
  /**
   * What a handler of `serve()` has thrown that is no RpcError, and whose request it was. Where nobody listens it is a warning of the
   * process, once for each method.
   */
  handlerError: [error: unknown, request: IncomingRequest];
  /** What the engine has to say; see the option `logLevel` of `configure()`. */
  log: [line: LogLine];
}

export interface LogLine {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  readonly text: string;
}

/**
 * A dApp or a processor: the protocol does not tell them apart. It reconnects by itself, over the list of services, until it is
 * closed. Messages go to the listeners of 'message' if there are any, else to `for await` and `receive()`; what comes before either
 * waits, within `inboxCount` and `inboxBytes`.
 *
 * While it is open a client keeps the process alive. One that can no longer be reached, has no listeners and waits for nothing is
 * closed when it is collected, with a warning.
 */
export declare class Client extends EventEmitter<ClientEvents> implements AsyncIterable<Message>, AsyncDisposable {
  /** Does no I/O. `urls`: the services, ws:// or wss://, tried in order. Throws TypeError, RangeError or BadOptionError. */
  constructor(urls: string | readonly string[], options?: ClientOptions);
  /**
   * Connects, and resolves once the service has accepted. Rejects with TimeoutError, the signal's reason, or why the client
   * closed by itself (DeniedError, ReplacedError, WorkTooHardError, UnsupportedError).
   */
  connect(options?: WaitOptions): Promise<void>;
  /**
   * Sends bytes, and resolves with the level that was reached. Without `until` that is 'written', once the operating system took the
   * last byte: version 1 of the protocol acknowledges nothing, so that a payload may still be lost on its way. A full outbox makes
   * it wait, in order; do not change the bytes meanwhile. Rejects with ExpiredError, TooLargeError, ClosedError, BadRecipientError,
   * BadHexError, BadKeyError or the signal's reason.
   *
   * With `until` it resolves once that level was reached. It resolves with 'relayed' where 'delivered' was asked for and the recipient
   * cannot say it, such as the vendor's client. Rejects as well with NotHereError, MailboxFullError, MailboxExpiredError,
   * QueueFullError, NotDeliveredError or ServiceMemoryError: it was not delivered and will not be. With UndeterminedError: it was sent,
   * and nobody said in time what became of it. With UnsupportedError at once: the service does not know `until`, or the option
   * `extensions` is off. Across reconnects it is sent again, and given to the recipient's program once. While so many messages wait
   * to be taken that reading pauses, no outcome comes: take messages meanwhile.
   */
  send(to: Key, payload: Bytes, options?: SendOptions): Promise<Level>;
  /** Sends text as UTF-8. */
  sendText(to: Key, text: string, options?: SendOptions): Promise<Level>;
  /** Sends a value as JSON. Throws TypeError for what JSON cannot say. */
  sendJson(to: Key, value: unknown, options?: SendOptions): Promise<Level>;
  /**
   * Asks the service which of `ids` are here: one value for each, in order. From then on 'gone' tells when one of them leaves. Each 64
   * of them are a question of their own, and the service counts each id as a message. Rejects with UnsupportedError where the service
   * does not tell, ExpiredError, ClosedError, BadRecipientError, BadHexError, BadKeyError or the signal's reason.
   */
  look(ids: readonly Key[], options?: LookOptions): Promise<Seen[]>;
  /** The public key, 66 hex digits, of who is here. Rejects with NotHereError where nobody is, also if it is away; else as look(). */
  keyOf(id: Key, options?: LookOptions): Promise<string>;
  /**
   * Asks for `method` by JSON-RPC 2.0 or MessagePack-RPC, and resolves with the result. `T` says what you expect, and is not looked at. Works with any peer that
   * speaks it, such as a deployment script. Rejects with RemoteError: it answered with an error. With NotHereError, MailboxFullError,
   * MailboxExpiredError, QueueFullError, NotDeliveredError, ServiceMemoryError or TooLargeError: it was not delivered and will not be; at once,
   * where the service is one of libacurast. With UndeterminedError: it was sent, the recipient has left, and nobody knows whether it was
   * executed. With UnsupportedError: the result cannot be said in JavaScript. With TimeoutError, the signal's reason, ClosedError, InvalidError (the method's name is too long, or half a pair of
   * surrogates), BadRecipientError, BadHexError or BadKeyError. A full outbox makes it wait, in order; its time runs meanwhile.
   *
   * A client that asks or serves drops the oldest messages beyond a quarter of `inboxCount` and of `inboxBytes`, as long as its program has
   * never taken one: strangers who send some cannot stop the answers.
   */
  request<T = unknown>(to: Key, method: string, params?: Params, options?: RequestOptions): Promise<T>;
  /**
   * Asks all of `recipients` the same, and resolves once `need` of them gave a result, or the same result with `agree`; the other
   * requests are cancelled. Whoever is named twice has one voice. Rejects with NotEnoughAnswersError as soon as that has become impossible
   * or the time for all of it is over, with the signal's reason, with TooLargeError where they are not fewer than half of `outboxCount`, with
   * InvalidError for more than 1,024, and with what request() rejects with at once.
   */
  requestMany<T = unknown>(
    recipients: readonly Key[],
    method: string,
    params?: Params,
    options?: RequestManyOptions,
  ): Promise<ManyAnswers<T>>;
  /**
   * Answers requests for these methods from now on; before connect() or at any time. A method that was served before gets its new handler.
   * Handlers run at once with each other, so many as the option `serveRunning` says; beyond `serveWaiting` the asker is told -32001, "busy".
   * Other methods are answered with the error -32601. What is no request goes to `receive()` and the listeners as ever. A client that
   * serves is not collected while it is open. Throws TypeError, ClosedError, or InvalidError for a name that is too long or begins
   * with "rpc." or "$/".
   */
  serve(methods: Handlers): this;
  /**
   * The next message. Several may wait: each message goes to one of them. Rejects with TimeoutError, the signal's reason,
   * BadStateError while somebody listens to 'message', or why the client is closed once everything was taken.
   */
  receive(options?: WaitOptions): Promise<Message>;
  /** The messages, until the client is closed. A slow consumer makes the client pause reading. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message>;
  /** This client's id, 32 hex digits. */
  readonly id: string;
  /** Its public key, 66 hex digits. */
  readonly publicKey: string;
  readonly identity: Identity;
  readonly state: State;
  /** The service that it is, or was last, connecting or connected to; '' before the first. */
  readonly url: string;
  /** Once it is closed: throws ClosedError, or why it closed by itself. */
  stats(): Stats;
  /** Lets the process end although the client is open. */
  unref(): this;
  /** Takes unref() back. */
  ref(): this;
  /** Writes what is in the outbox for at most the option `linger`, then ends. Idempotent; never rejects. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A connected client. Rejects like `Client.connect()`; the client is closed then. */
export declare function connect(urls: string | readonly string[], options?: ConnectOptions): Promise<Client>;

/** Options of a service; without `listen`, `host` and `port` it takes a free port of 127.0.0.1. */
export interface ServiceOptions extends ServiceSettings {
  /** 0, the default, takes a free one. */
  port?: number | undefined;
  /** The address to listen on, IPv6 without brackets (default 127.0.0.1). */
  host?: string | undefined;
  /** I/O threads; 0 takes as many as this process has cores (default 1). */
  threads?: number | undefined;
  /** The least of what its event 'log' tells (default 'warn'). */
  logLevel?: ContextOptions['logLevel'];
}

/** What a service emits. */
export interface ServiceEvents {
  state: [change: { readonly state: 'listening' | 'draining' | 'closed'; readonly url: string; readonly error?: AcurastError }];
  log: [line: LogLine];
}

/** The websocket service in this process, on an I/O thread of its own: for the tests of a dApp, or for real. */
export declare class Service extends EventEmitter<ServiceEvents> implements AsyncDisposable {
  private constructor();
  /** Resolves once a client can connect. Rejects with AddressInUseError, NotPermittedError, TlsError, BadOptionError or InvalidError. */
  static start(options?: ServiceOptions): Promise<Service>;
  /** Such as 'ws://127.0.0.1:9001'. */
  readonly url: string;
  readonly port: number;
  /** The URL of the option `adminListen`; '' without it. */
  readonly adminUrl: string;
  /** Its figures as Prometheus text. Throws ClosedError. */
  metrics(): string;
  /** Reads the certificate, the key and the lists again from their files. Throws TlsError or BadOptionError; the old ones stay then. */
  reload(): void;
  /** Lets the process end although the service is open. */
  unref(): this;
  /** Takes unref() back. */
  ref(): this;
  /** Drains: tells every client, lets what is queued go out, and ends within the option `drainTime`. Idempotent; never rejects. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
