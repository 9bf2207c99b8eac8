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
   * Called with every change of the connection. Without it, a connection that is closed for good (denied, or replaced by a
   * newer one of the same key) gives a process warning, `AcurastWarning`.
   */
  onState?: ((event: StateChange) => void) | undefined;
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
   * BadStateError before `start`.
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
