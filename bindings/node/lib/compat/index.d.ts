/**
 * The interface of `@acurast/dapp` and of the client of `@acurast/transport-websocket`, on the engine of libacurast.
 * In a Node program, only the import changes. What differs, and why, is in MIGRATION.md.
 */
import type { ClientOptions, StateChange } from '../..';

/** A P-256 key pair, as bytes or hex with or without `0x`. */
export interface KeyPair {
  /** 33 or 65 bytes, compressed or not. May be left out; otherwise it has to belong to `secretKey`. */
  publicKey?: string | Uint8Array | undefined;
  /** 32 bytes; shorter ones are taken with leading zeros. */
  secretKey: string | Uint8Array;
}

/** What a listener gets. The bytes are the listener's own. */
export interface Message {
  /** The sender's id, 16 bytes: what the service says, no more. */
  sender: Buffer;
  /** The id of this client, 16 bytes. */
  recipient: Buffer;
  payload: Buffer;
}

export type MessageListener = (message: Message) => void | Promise<void>;

/** Options of the engine's client, and one for what happens to the connection. */
export interface TransportOptions extends Omit<ClientOptions, 'identity' | 'signal' | 'timeout'> {
  /**
   * Called with every change of the connection; of one that is shared and was there before, first with 'connected'. Without it, a connection that is closed for good (denied, or replaced by a
   * newer one of the same key) gives a process warning, `AcurastWarning`.
   */
  onState?: ((event: StateChange) => void) | undefined;
  /**
   * Clients of one key, with the same services and the same options, are one connection for the service, and each gets the answers to
   * its own questions (MIGRATION.md says what cannot be told apart). False: a connection of its own, which replaces another one of its
   * key. Default true.
   */
  shared?: boolean | undefined;
}

/** The vendor's settings by name, and ours. */
export interface AcurastClientOptions extends TransportOptions {
  /** Milliseconds that `start` may take. Default 15,000. */
  connectionTimeoutMillis?: number | undefined;
  /** Bytes of a payload that are logged. Default 100. */
  maxPayloadLogLength?: number | undefined;
  /** Log states and payloads to the console. Default false. */
  enableLogging?: boolean | undefined;
  /** A string given to `send` is always text. Default false: one of an even number of hex digits stands for bytes. */
  strict?: boolean | undefined;
}

export declare class AcurastClient {
  /**
   * Does no I/O.
   * @param urls the services, tried in order
   * @param connectionTimeoutMillis what `start` may take, or options by name
   * @throws TypeError where `urls` is not a URL or an array of them
   */
  constructor(
    urls: string | readonly string[],
    connectionTimeoutMillis?: number | AcurastClientOptions,
    maxPayloadLogLength?: number,
    enableLogging?: boolean,
  );
  /**
   * Connects. Resolves once a service has accepted the key; at once if it was started before. Rejects with an AcurastError
   * when every service was asked in vain, when the time is over or when the client is closed meanwhile, and with a TypeError
   * or RangeError for a key pair that is none. May be called again then, and after `close`.
   */
  start(keyPair: KeyPair): Promise<void>;
  /**
   * Adds a listener, before `start` or after it. Up to 1,000 messages and 16 MiB that came before the first listener are
   * kept for it. An error of a listener is an unhandled rejection of the program's.
   */
  onMessage(listener: MessageListener): void;
  /**
   * Sends to a public key (33 or 65 bytes) or an id (16 bytes). Resolves once the operating system took the last byte; waits
   * while the service is away. Rejects with an AcurastError where it is known not to have gone out, and with a
   * BadStateError before `start`. Where nobody looks at the promise, a rejection is a process warning, once: `ACURAST_UNAWAITED`.
   * @param payload bytes, hex of an even number of digits (see `strict`), or text, which goes as UTF-8
   */
  send(publicKeyOrSenderId: string | Uint8Array, payload: string | Uint8Array): Promise<void>;
  /** Ends the connection, or a `start` under way, and forgets the listeners. What was sent before goes out first. */
  close(): Promise<void>;
  /** The id of a public key in any form, as 32 hex digits. Works before `start` too. */
  idFromPublicKey(publicKey: string | Uint8Array): string;
}

export declare class WebSocketTransportClient {
  /** Does no I/O. The parameters are those of AcurastClient. */
  constructor(
    urls: string | readonly string[],
    connectionTimeoutMillis?: number,
    maxPayloadLogLength?: number,
    enableLogging?: boolean,
    options?: TransportOptions,
  );
  /** As `AcurastClient.start`. */
  connect(keyPair: KeyPair): Promise<void>;
  /** As `AcurastClient.onMessage`. */
  onMessage(listener: MessageListener): void;
  /** As `AcurastClient.send`, of bytes. */
  send(publicKeyOrSenderId: Uint8Array, payload: Uint8Array): Promise<void>;
  /** As `AcurastClient.close`. */
  close(): Promise<void>;
  /** The id of a public key in any form: 16 bytes. */
  idFromPublicKey(publicKey: Uint8Array): Buffer;
}

// ---- the messages of the wire, as @acurast/transport-websocket exports them ----

interface Frame<Type extends string> {
  version: 1;
  type: Type;
  /** An id, 16 bytes; all zero, the service. */
  sender: Uint8Array;
  recipient: Uint8Array;
}
export interface Permissions {
  allowList: Uint8Array[];
  denyList: Uint8Array[];
}
export interface InitMessage extends Frame<'init'> {
  /** Never sent. */
  permissions?: Permissions | undefined;
}
export interface ChallengeMessage extends Frame<'challenge'> {
  /** 16 bytes each. */
  challenge: Uint8Array;
  difficulty: Uint8Array;
}
export interface ResponseMessage extends Frame<'response'> {
  /** 16 bytes. */
  challenge: Uint8Array;
  /** Compressed, 33 bytes. */
  publicKey: Uint8Array;
  /** 16 bytes. */
  nonce: Uint8Array;
  /** r and s, 64 bytes. */
  signature: Uint8Array;
}
export type AcceptedMessage = Frame<'accepted'>;
export interface PayloadMessage extends Frame<'payload'> {
  payload: Uint8Array;
}
/** A frame of protocol version 1. The transport calls it Message; here that is what a listener gets. */
export type WireMessage = InitMessage | ChallengeMessage | ResponseMessage | AcceptedMessage | PayloadMessage;

/** Without a recipient, for the service; so are the senders below. */
export declare function createInitMessage(sender: Uint8Array, recipient?: Uint8Array, permissions?: Permissions): InitMessage;
export declare function createChallengeMessage(
  recipient: Uint8Array,
  challenge: Uint8Array,
  difficulty: Uint8Array,
  sender?: Uint8Array,
): ChallengeMessage;
export declare function createResponseMessage(
  sender: Uint8Array,
  challenge: Uint8Array,
  publicKey: Uint8Array,
  nonce: Uint8Array,
  signature: Uint8Array,
  recipient?: Uint8Array,
): ResponseMessage;
export declare function createAcceptedMessage(recipient: Uint8Array, sender?: Uint8Array): AcceptedMessage;
export declare function createPayloadMessage(sender: Uint8Array, recipient: Uint8Array, payload: Uint8Array): PayloadMessage;

/** The bytes of a message. Throws a TypeError or RangeError where a part is missing or has another size. */
export declare function forgeMessage(message: WireMessage): Buffer;
/**
 * The message of a frame; its parts are views of the same bytes. Undefined where it is none of version 1, or too short. What follows a
 * message of fixed size is ignored.
 */
export declare function parseMessage(bytes: Uint8Array): WireMessage | undefined;
/** Whether no byte of a hash is above that of the difficulty. */
export declare function verifyDifficulty(data: Uint8Array, difficulty: Uint8Array): boolean;
/** Writes a line to the console, and data below it, bytes as hex. */
export declare function log(tag: string, ...data: unknown[]): void;
