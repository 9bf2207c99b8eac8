/// <reference types="node" />
// Types of `acurast/processor`: the runner as a function, and what deployment scripts find on a processor.
//
// For a script, one line at its top or `"types": ["acurast/processor"]` in tsconfig.json declares `_STD_` and the globals:
//
//     /// <reference types="acurast/processor" />
//
// Each member says whether acurast-processor offers it. "Documented" means by the vendor; "seen in use" means in public
// scripts alone. Bytes are hexadecimal strings: lower case and without 0x as results. Arguments may have 0x, and may be bytes themselves.

import type { EventEmitter } from 'node:events';
import type { Identity } from './index';

export interface RunOptions {
  /**
   * Hosts that the script may connect to: `name`, `name:port`, `[v6]:port`, or `*.domain` for what is below it. Without it,
   * all; an empty list, none. Holds for httpGET, httpPOST, fetch and all other TCP of this thread's JavaScript, and for the
   * services that the script names. It is no sandbox.
   */
  allowNet?: string | readonly string[] | undefined;
  /** PEM file of authorities: for wss:// instead of the system's, for httpGET and httpPOST besides the usual ones. */
  caFile?: string | undefined;
  /** Nodes that transactions are told with, instead of those of the script. Nothing is sent there either. */
  chainRpc?: string | readonly string[] | undefined;
  /**
   * A clock for the script's setTimeout, setInterval and Date, which stands still until `deployment.clock.advance()`: at this time, or with true
   * at the present one. Such a script runs until `stop()`. Needs the package @sinonjs/fake-timers.
   */
  clock?: boolean | number | string | Date | undefined;
  /** The deployment's variables, for `_STD_.env` and `environment()`. */
  env?: Readonly<Record<string, string>> | undefined;
  /** What a script hears of its transactions, none of which is sent: 'success' by default. */
  fulfill?: 'success' | 'fail' | undefined;
  /**
   * Answers every HTTP request of the script: httpGET, httpPOST, fetch, node:http and node:https; none of these leaves this machine. A Response, text, or
   * a value for JSON; undefined is 501, with the request in its text; an error breaks the connection. At most 16 MiB each way.
   */
  http?: ((request: Request) => unknown) | undefined;
  /** The P-256 key to connect with, as PEM or Identity. The other keys are fresh. Not with `state`. */
  key?: string | Identity | undefined;
  /** Starts a service in this process, and uses it instead of those in the script. Not with `service`. */
  local?: boolean | undefined;
  /** Gets every event, from the first on. */
  onEvent?: ((event: DeploymentEvent) => void) | undefined;
  /** Files that run before the script, in order. */
  prelude?: string | readonly string[] | undefined;
  /** Of a folder with an acurast.json: which of its projects, where there are several. */
  project?: string | undefined;
  /**
   * What `chains.*.signer.sign` puts between 'acusig' and the message, and `_STD_.scriptHash`: text such as ipfs://Qm…, or bytes as
   * hexadecimal digits after 0x; at most 256 characters. Without it, the address that IPFS gives to the script.
   */
  scriptHash?: string | undefined;
  /** Services to use instead of those in the script, tried in order. */
  service?: string | readonly string[] | undefined;
  /** Which of its processors this is, for `job.getSlot()`. Default 0. */
  slot?: number | undefined;
  /**
   * A folder that keeps the keys and the storage, so that the deployment is the same next time. Made if missing, mode 0700; refused where
   * it belongs to another user or others can write it.
   */
  state?: string | undefined;
  /** Members of `_STD_`, and globals, to be absent. */
  without?: Optional | readonly Optional[] | undefined;
}

/** Members of `_STD_` that are not offered: they are there and throw when they are used. */
export type NotOffered = 'llama' | 'p2p' | 'webview';

/** What can be made absent: what is not offered, and what a processor may lack. `_DEVTOOLS_` is a global. */
export type Optional =
  | NotOffered
  | 'chains'
  | 'network'
  | 'ownAddress'
  | 'scriptHash'
  | 'sentry'
  | 'tunnel'
  | '_DEVTOOLS_';

/** First of all: who the deployment is. `service` is the embedded one. */
export interface StartEvent {
  event: 'start';
  script: string;
  id: string;
  publicKey: string;
  address: string;
  service?: string;
  /** As `job.getPublicKeys()`, and `job.getEncryptionKeys()` within. */
  keys?: AcurastProcessor.PublicKeys & { encryption: AcurastProcessor.EncryptionKeys };
}
/** A message that the script got, or has sent. Told to runDeployment(), not by the command. */
export interface MessageEvent {
  event: 'message';
  direction: 'in' | 'out';
  /** The id of the other side, 32 hex digits. */
  peer: string;
  payload: Buffer;
  /** Milliseconds since 1970, by the true clock. */
  time: number;
  /** Why it was not sent. */
  failed?: string;
  text(): string;
  /** Throws a SyntaxError where the payload is no JSON. */
  json(): any;
}
/** The connection of a `ws.open` stands. */
export interface ReadyEvent {
  event: 'ready';
  service: string;
  id: string;
  publicKey: string;
}
/** A change of the connection. `retryIn`: milliseconds until the next try, if there is one. */
export interface StateEvent {
  event: 'state';
  state: 'connecting' | 'authenticating' | 'connected' | 'disconnected' | 'closed';
  service: string;
  reason?: string;
  retryIn?: number;
}
/** One call of `print()`. */
export interface PrintEvent {
  event: 'print';
  text: string;
}
/** What the script wrote to its standard streams, as by `console.log`. */
export interface OutputEvent {
  event: 'output';
  stream: 'stdout' | 'stderr';
  text: string;
}
/** What a script would have sent to a chain. Nothing was: this is what it heard. Bytes are hexadecimal here, bigints decimal. */
export interface Transaction {
  /** Such as 'tezos.fulfill': the member of `_STD_.chains`. */
  call: string;
  nodes: string[];
  /** Contract or program, where the call names one. */
  destination?: string;
  callIndex?: string;
  method?: string;
  payload?: unknown;
  extra?: Record<string, unknown>;
  outcome: 'success' | 'fail';
  /** With success: a hash in the form of the chain, which no chain knows. */
  hash?: string;
  /** With fail. */
  reason?: string;
}
export interface TransactionEvent extends Transaction {
  event: 'transaction';
}
/** What a member does here instead of what a processor does, such as `network.whitelist`. */
export interface NoteEvent {
  event: 'note';
  where: string;
  text: string;
}
/** Something went wrong; the deployment goes on, unless `where` is `start`. The place is in the script's own files. */
export interface ErrorEvent {
  event: 'error';
  where: string;
  name: string;
  message: string;
  code?: string;
  file?: string;
  line?: number;
  column?: number;
  stack?: string;
}
/** Last of all. */
export interface EndEvent {
  event: 'end';
  code: number;
}
export type DeploymentEvent =
  | StartEvent
  | ReadyEvent
  | StateEvent
  | PrintEvent
  | OutputEvent
  | TransactionEvent
  | NoteEvent
  | MessageEvent
  | ErrorEvent
  | EndEvent;

/** What a deployment emits: every event as 'event' and by its own name. An error is emitted only where somebody listens. */
export interface DeploymentEvents {
  event: [event: DeploymentEvent];
  ready: [event: ReadyEvent];
  state: [event: StateEvent];
  print: [event: PrintEvent];
  output: [event: OutputEvent];
  transaction: [event: TransactionEvent];
  note: [event: NoteEvent];
  message: [event: MessageEvent];
  error: [event: ErrorEvent];
  end: [event: EndEvent];
}

/** A deployment that runs, in a thread of its own. */
export interface Deployment extends EventEmitter<DeploymentEvents>, AsyncDisposable {
  /** The id that others send to, 32 hex digits. */
  readonly id: string;
  /** The public key that others send to, 66 hex digits: `p256` of `job.getPublicKeys()`. */
  readonly publicKey: string;
  /** What `device.getAddress()` returns. */
  readonly address: string;
  /** The URL of the embedded service, if there is one. */
  readonly service: string | undefined;
  /** What the script would have sent to chains, in order; the newest 10,000. */
  readonly transactions: Transaction[];
  /** Messages of the script, whatever became of them; and those that it got. Of each list here, the newest 10,000. */
  readonly sent: MessageEvent[];
  readonly received: MessageEvent[];
  /** Texts of print(). */
  readonly printed: string[];
  readonly errors: ErrorEvent[];
  /** What the option `http` was asked. */
  readonly requests: HttpAsked[];
  /** With the option `clock`. */
  readonly clock: Clock | undefined;
  /**
   * The first event, past or to come, that has these members (a RegExp is matched; `text` and `json` of a message are its methods' results) or
   * for which a function says true. Rejects after `timeout` ms (10,000), and where the deployment ends before.
   * @param options `after`: only what came after this event
   */
  waitFor<T extends DeploymentEvent = any>(
    wanted: Record<string, unknown> | ((event: any) => unknown),
    options?: { timeout?: number; after?: DeploymentEvent },
  ): Promise<T>;
  /** Undefined while it runs. */
  readonly exitCode: number | undefined;
  /** Resolves once the script's connection stands; rejects where the deployment ends before. */
  readonly ready: Promise<{ service: string; id: string; publicKey: string }>;
  /** Resolves to the exit code: 0; 1 where the script could not start or ended after an error nobody caught; or the script's own. */
  readonly ended: Promise<number>;
  /** Closes the connection and ends the script, within two seconds. Resolves to the exit code. */
  stop(): Promise<number>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** One request of the script, as it came. */
export interface HttpAsked {
  method: string;
  url: string;
  headers: Record<string, string | string[]>;
  body: Buffer;
}

/** The clock of a script under test. */
export interface Clock {
  /** Where it stands. */
  readonly now: Date;
  /** Moves it on, and resolves once all that was due has run. 0 to 2,147,483,647 ms; one move after the other. */
  advance(ms: number): Promise<void>;
}

/** Several processors of a deployment, by their slots. */
export interface Deployments extends Array<Deployment>, AsyncDisposable {
  /** The URL of the service that all of them use. */
  readonly service: string;
  /** Ends all of them, and the service. Resolves to their exit codes. */
  stop(): Promise<number[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Runs a script on 1 to 100 processors at once, each with keys and a slot of its own, and resolves once all are connected: to `service`, or to
 * one of their own. Rejects as runDeployment does, and where one ends before; the others have ended then.
 */
export declare function runDeployments(
  source: string | URL | { code: string },
  count: number,
  options?: Omit<RunOptions, 'local' | 'slot'> | ((slot: number) => Omit<RunOptions, 'local' | 'slot'>),
): Promise<Deployments>;

/**
 * Runs a deployment script as a processor does. `source`: a path, a file: URL, or `{ code }`; of a folder, the script that its
 * acurast.json names. Resolves once the script is about to run. Rejects for wrong options (TypeError), a script that is not there, and keys that cannot be read.
 */
export declare function runDeployment(
  source: string | URL | { code: string },
  options?: RunOptions,
): Promise<Deployment>;

declare global {
  /** What a processor gives to its scripts. */
  const _STD_: AcurastProcessor.Std;

  /** Prints a line. Documented, offered. */
  function print(message: unknown, ...more: unknown[]): void;

  /** Reads a variable of the deployment; undefined where there is none. Documented, offered. */
  function environment(key: string): string | undefined;

  /** An HTTP GET. Redirects are followed; a status from 400 on is an error. At most 16 MiB and 30 s. Documented, offered. */
  function httpGET(
    url: string,
    headers?: Record<string, string> | null,
    success?: AcurastProcessor.HttpSuccess,
    error?: AcurastProcessor.Failure,
  ): void;

  /** An HTTP POST, in the same way. Documented, offered. */
  function httpPOST(
    url: string,
    body: string | ArrayBuffer | ArrayBufferView,
    headers?: Record<string, string> | null,
    success?: AcurastProcessor.HttpSuccess,
    error?: AcurastProcessor.Failure,
  ): void;

  /** The Tezos address of the deployment's P-256 key, tz3…. Seen in use, offered. */
  function ownAddress(): string;

  /** Files for the vendor's page of logs; here they are kept in a folder. Seen in use, offered. */
  const _DEVTOOLS_: AcurastProcessor.Devtools;

  namespace AcurastProcessor {
    /** Hexadecimal digits, with or without 0x, or the bytes themselves. */
    type Bytes = string | ArrayBuffer | ArrayBufferView;

    type Success = () => void;
    type Failure = (message: string) => void;

    /** `certificate`: SHA-256 of the server certificate's public key (SPKI), 64 hex digits; '' without TLS. */
    type HttpSuccess = (payload: string, certificate: string) => void;

    interface Std {
      /** Documented, offered. */
      app_info: AppInfo;
      /** Documented, offered. Transactions are recorded and never sent. */
      chains: Chains;
      /** Documented, offered. */
      device: Device;
      /** The variables of the deployment. Documented, offered. */
      env: Record<string, string>;
      /** Documented, offered. */
      job: Job;
      /** Seen in use, not offered: a model of language that runs on the phone. */
      llama: Llama;
      /** Documented, offered: says what was asked for, and does nothing else. */
      network: Network;
      /** Seen in use, offered: the same as the global. */
      ownAddress(): string;
      /** Documented, not offered. */
      p2p: P2P;
      /** Documented, offered. */
      random: Random;
      /** Seen in use, offered: the option `scriptHash`, or the address that IPFS gives to the script. */
      scriptHash: string;
      /** Seen in use, offered: tells its words on. */
      sentry: Sentry;
      /** Documented, offered. */
      signers: Signers;
      /** Documented, offered: on loopback. */
      tunnel: Tunnel;
      /** Documented, not offered. */
      webview: WebView;
      /** Documented, offered. */
      ws: Websocket;
    }

    interface AppInfo {
      /** The processor's version; here this package's, such as '0.1.0-local'. Documented, offered. */
      version: string;
    }

    interface Random {
      /** Random bytes; here 32. The documentation does not say how many. Documented, offered. */
      generateSecureRandomHex(): string;
    }

    interface Device {
      /** The device's account key, compressed, 66 hex digits. Documented, offered. */
      getPublicKey(): string;
      /** Its address: SS58 with prefix 42. Documented, offered. */
      getAddress(): string;
    }

    interface DeploymentId {
      /** `kind`: 'Acurast'. `source`: an account, 64 hex digits; here the device's own. */
      origin: { kind: string; source: string };
      /** A number as a string; here '0'. */
      id: string;
    }

    interface PublicKeys {
      /** Compressed, 66 hex digits: the key of the websocket connection. */
      p256: string;
      /** Compressed, 66 hex digits. */
      secp256k1: string;
      /** 64 hex digits. */
      ed25519: string;
    }

    interface EncryptionKeys {
      /** Compressed, 66 hex digits. */
      p256: string;
      /** Compressed, 66 hex digits. */
      secp256k1: string;
    }

    interface Job {
      /** Documented, offered. */
      getId(): DeploymentId;
      /** Which of the deployment's processors this is; here 0, or the option `slot`. Documented, offered. */
      getSlot(): number;
      /** Documented, offered. */
      getPublicKeys(): PublicKeys;
      /** Seen in use, offered: the keys of `encrypt` and `decrypt`. */
      getEncryptionKeys(): EncryptionKeys;
      /** A folder for the script's files. Seen in use, offered. Gone when the runner ends, unless it keeps a state. */
      storageDir: string;
    }

    interface EcSigner {
      /** ECDSA over a digest (32 bytes) as it is: r and s, 64 bytes; on secp256k1 s is always low. Documented, offered. */
      sign(payload: Bytes): string;
      /**
       * Seals for the owner of `publicKey` (33, 64 or 65 bytes), from the pair of `getEncryptionKeys()`. Documented, offered.
       */
      encrypt(publicKey: Bytes, salt: Bytes, payload: Bytes): string;
      /** Opens what `publicKey` sealed for the pair of `getEncryptionKeys()`. Throws where it does not open. Documented, offered. */
      decrypt(publicKey: Bytes, salt: Bytes, payload: Bytes): string;
    }

    interface Signers {
      /** P-256. */
      secp256r1: EcSigner;
      secp256k1: EcSigner;
      ed25519: {
        /** Signs the bytes, 64 bytes. Documented, offered. */
        sign(payload: Bytes): string;
      };
    }

    /** `sender` and `recipient` are ids, 32 hex digits. */
    interface WsPayload {
      sender: string;
      recipient: string;
      payload: string;
    }

    interface Websocket {
      /** Connects to the first service that answers, and again for as long as the deployment runs. Documented, offered. */
      open(url: string | readonly string[], success?: Success | null, error?: Failure | null): void;
      /** Documented, offered. */
      close(success?: Success | null, error?: Failure | null): void;
      /** Payloads that came before wait for it. Documented, offered. */
      registerPayloadHandler(handler: (payload: WsPayload) => unknown): void;
      /**
       * `recipient`: a public key (documented) or an id (seen in use: scripts pass `payload.sender`). Success means that the
       * operating system took it; nothing is acknowledged. Documented, offered.
       */
      send(recipient: Bytes, payload: Bytes, success?: Success | null, error?: Failure | null): void;
    }

    interface Devtools {
      uploadFile(
        filename: string,
        content: string | ArrayBuffer | ArrayBufferView,
        mimeType: string,
        success?: (file: { id: number; filename: string; mimeType: string; fileSize: number; createdAt: string }) => void,
        error?: Failure,
      ): void;
    }
    interface Llama {
      server: {
        start(args: string[], completed?: () => void, error?: Failure): void;
        isRunning?(): boolean;
      };
    }
    interface Sentry {
      log(...words: unknown[]): void;
    }

    interface Network {
      /** Host names without scheme, port and path. Documented, offered. */
      whitelist(hosts: string | readonly string[]): void;
    }

    interface P2PConfig {
      messageProtocols: string[];
      /** Seen in use. */
      streamProtocols?: string[];
      relays: string[];
      /** Milliseconds. */
      idleConnectionTimeout?: number;
    }
    interface P2PPeer {
      type: 'address' | 'peerId';
      value: string;
    }
    interface P2PMessage {
      type: 'request' | 'response';
      id: string;
      sender: P2PPeer;
      protocol: string;
      bytes: string;
    }
    interface P2PStream {
      protocol: string;
      peer: P2PPeer;
      read(n: number): Promise<Buffer>;
      write(bytes: Uint8Array | string): Promise<void>;
      close(): Promise<void>;
    }
    /** Documented; not one of its members is offered. */
    interface P2P {
      start(config: P2PConfig, success?: Success, error?: Failure): void;
      close(success?: Success, error?: Failure): void;
      onMessage(listener: (message: P2PMessage) => void): void;
      request(receiver: string, protocol: string, bytes: string, success?: Success, error?: Failure): void;
      respond(request: P2PMessage, bytes: string, success?: Success, error?: Failure): void;
      connect(
        peer: string,
        options: { timeout?: number | string } | undefined,
        success?: Success,
        error?: Failure,
      ): void;
      disconnect(peer: string, success?: Success, error?: Failure): void;
      openOutgoingStream(peer: string, protocol: string, success?: (stream: P2PStream) => void, error?: Failure): void;
      onIncomingStream(listener: (stream: P2PStream) => void): void;
      onRelayConnected(listener: (address: string) => void): void;
      peerIdFromPublicKey(publicKey: string): string;
    }

    interface TunnelSpec {
      serverAddrs: string[];
      domainSuffix: string;
      localAddr: string;
      /** `bytes`: a PKCS#8 key as base64. */
      primaryKey: { algorithm: 'Secp256r1'; bytes: string };
      acmeStaging?: boolean;
      acmeEmail?: string;
      certPem?: string;
      forceH2?: boolean;
      poolSize?: number;
    }
    interface TunnelInfo {
      url: string;
      clientId: string;
      secondaryUrl?: string;
      secondaryClientId?: string;
    }
    /** Documented, offered. */
    interface Tunnel {
      /** One at a time. `url`: on loopback, http:, to `localAddr`. */
      start(spec: TunnelSpec, success?: (info: TunnelInfo) => void, error?: Failure): void;
      stop(success?: Success, error?: Failure): void;
      /** 1: running, 2: stopped, -1: none was started. */
      status(success?: (status: number) => void, error?: Failure): void;
      /** What `start` was given, or null: here nobody issues one. */
      certPem(success?: (pem: string | null) => void, error?: Failure): void;
    }

    interface WebViewTab {
      id: string;
      getUrl(): Promise<string>;
      /** 'manual': opened by `newTab`. 'auto': by another tab. */
      getTrigger(): Promise<'manual' | 'auto'>;
      /** `wholeTree`: with the tabs that this one opened; by default it alone. */
      close(options?: { wholeTree?: boolean }): Promise<void>;
      startRefreshLoop(options?: { interval?: number; wholeTree?: boolean }): void;
      stopRefreshLoop(options?: { wholeTree?: boolean }): void;
    }
    /** Documented; not one of its members is offered. */
    interface WebView {
      newTab(url: string, success?: (tab: WebViewTab) => void, error?: Failure): void;
      close(success?: Success, error?: Failure): void;
      getOpenTabs(success?: (tabs: WebViewTab[]) => void, error?: Failure): void;
      useProxy(
        url: string,
        config: { username?: string; password?: string; fallback?: boolean } | undefined,
        success?: Success,
        error?: Failure,
      ): void;
      removeProxy(success?: Success, error?: Failure): void;
      getDebugUrl(): string;
      /** Seen in use. */
      open(url: string, success?: Success, error?: Failure): void;
    }

    type Nodes = string | readonly string[];
    type Extra = Record<string, unknown>;
    /** A whole number; as a string decimal, or hexadecimal after 0x. What a number has behind its point is cut off. */
    type Whole = number | bigint | string;
    /** `operationHash`: in the form of the chain, which does not know it. */
    type Submitted = (operationHash: string) => void;
    type Refused = (messages: string[]) => void;

    /** Documented, offered. What would be sent to a chain is recorded instead; its arguments are checked for their kind alone. */
    interface Chains {
      substrate: {
        fulfill(nodes: Nodes, payload: string, extra: Extra, success?: Submitted, error?: Refused): void;
        signer: {
          /** Which key signs; P-256 before the first call. */
          setSigner(curveType: 'SECP256K1' | 'SECP256R1'): void;
          /** ECDSA over the BLAKE2b-256 of the payload: r, s, and 27 or 28 (65 bytes). */
          sign(payload: Bytes): string;
        };
        codec: {
          /** Of the text's UTF-8; of the bytes after 0x. */
          blakeTwo256(value: Bytes): string;
          encodeUnsignedNumber(value: Whole, bitSize: 8 | 16 | 32 | 64 | 128): string;
          encodeCompactUnsignedNumber(value: Whole): string;
          /** The length and the bytes. */
          encodeBytes(value: Bytes): string;
          encodeBoolean(value: boolean): string;
          /** The 32 bytes of an SS58 address of any network. */
          encodeAddress(value: Bytes): string;
          /** `MultiAddress::Id`: 00 and the 32 bytes. */
          encodeMultiAddress(value: Bytes): string;
        };
        contract: {
          /** `extra` has refTime and proofSize. */
          fulfill(
            nodes: Nodes,
            callIndex: string,
            destination: string,
            data: string,
            extra: Extra,
            success?: Submitted,
            error?: Refused,
          ): void;
          callView(
            nodes: Nodes,
            method: string,
            destination: string,
            data: string,
            extra?: Extra,
            success?: Submitted,
            error?: Refused,
          ): void;
        };
        gear: {
          /** `extra` has gasLimit, value and keepAlive. */
          sendMessage(
            nodes: Nodes,
            callIndex: string,
            destination: string,
            data: string,
            extra: Extra,
            success?: Submitted,
            error?: Refused,
          ): void;
        };
      };
      tezos: {
        /** `extra` has fee, gasLimit and storageLimit. */
        fulfill(nodes: Nodes, payload: unknown, extra: Extra, success?: Submitted, error?: Refused): void;
        /** The same; `extra` may have entrypoint and destination. */
        customCall(nodes: Nodes, payload: unknown, extra: Extra, success?: Submitted, error?: Refused): void;
        encoding: {
          /** PACK of Micheline, or of a plain value: see the page. */
          pack(value: unknown): string;
          /** The key of a big map: expr…, base58. */
          encodeExpr(value: unknown): string;
          /** Seen in use. The reverse of `pack`. */
          unpack(value: Bytes): unknown;
        };
        signer: {
          /** ECDSA on P-256 over the BLAKE2b-256 of 'acusig', the script's hash and the message: r and s. */
          sign(message: Bytes): string;
        };
      };
      ethereum: {
        fulfill(
          url: Nodes,
          destination: string,
          payload: unknown,
          extra?: Extra,
          success?: Submitted,
          error?: Refused,
        ): void;
        /** 40 hex digits, lower case, without 0x. */
        getAddress(): string;
        signer: {
          /** ECDSA over the Keccak-256 of 'acusig', the script's hash and the message: r, s, and 27 or 28 (65 bytes). */
          sign(message: Bytes): string;
        };
        abi: {
          /** As the only argument of a call; the type is taken from the value: see the page. */
          encode(value: unknown): string;
          /** One word. `bitLength`: a multiple of 8 up to 256. A string of digits alone is decimal. */
          encodeNumeric(value: Whole, bitLength: number, isNatural?: boolean): string;
          /** The members of an object or a list; as one dynamic argument where `isDynamic`. */
          encodeStruct(value: unknown, isDynamic?: boolean): string;
        };
      };
      bitcoin: {
        /** Compressed; without a path, or with "m", that of `job.getPublicKeys()`. A path is seen in use. */
        getPublicKey(derivationPath?: string): string;
        /** `version`: 4 bytes, such as 0488b21e for xpub. */
        getExtendedPublicKey(version: Bytes, derivationPath: string): string;
        signer: {
          /** ECDSA over the SHA-256 of 'acusig', the script's hash and the message: r and s, s low. */
          sign(message: Bytes): string;
          /** ECDSA over a digest (32 bytes) as it is. */
          rawSign(message: Bytes): string;
          sha256(value: Bytes): string;
          signHD(message: Bytes, derivationPath: string): string;
          rawSignHD(message: Bytes, derivationPath: string): string;
        };
        utils: {
          derivePublicKey(xpub: string, derivationPath: string): string;
          base58CheckEncode(value: Bytes): string;
          base58Encode(value: Bytes): string;
          base58CheckDecode(value: string): string;
          base58Decode(value: string): string;
        };
      };
      aeternity: {
        fulfill(
          url: Nodes,
          destination: string,
          payload: readonly AeternityArgument[],
          extra?: Extra,
          success?: Submitted,
          error?: Refused,
        ): void;
        /** Seen in use. Reads a contract; always fails here. */
        staticCall(
          url: Nodes,
          destination: string,
          payload: readonly AeternityArgument[],
          extra?: Extra,
          success?: Submitted,
          error?: Refused,
        ): void;
        /** ak_…, of the ed25519 key. */
        getAddress(): string;
        data: {
          int(value: Whole): AeternityArgument;
          string(value: string): AeternityArgument;
          bytes(value: Bytes): AeternityArgument;
          list(values: readonly AeternityArgument[]): AeternityArgument;
          tuple(values: readonly AeternityArgument[]): AeternityArgument;
          /** Seen in use. */
          tuple(...values: AeternityArgument[]): AeternityArgument;
          map(values: readonly (readonly AeternityArgument[])[]): AeternityArgument;
          /** ak_… */
          account_pubkey(value: string): AeternityArgument;
        };
      };
    }

    /** An argument of a call, for `fulfill` alone. */
    interface AeternityArgument {
      readonly type: string;
      readonly value: unknown;
    }
  }
}
