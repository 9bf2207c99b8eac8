// Written by tools/generate.js from the core's table; not by hand.

/** Options of the I/O threads that the clients and services of a thread share. */
export interface ContextOptions {
  /** I/O threads; 0 takes as many as this process has cores (from 0 to 256; default 1). */
  threads?: number | undefined;
  /** Which log events are delivered (default warn). */
  logLevel?: 'off' | 'error' | 'warn' | 'info' | 'debug' | undefined;
}

/** Options of a client that the core knows. */
export interface ClientSettings {
  /**
   * Reconnect from the first service of the list, or from the last good one (for services that reach each
   * other) (default ordered).
   */
  failover?: 'ordered' | 'sticky' | undefined;
  /**
   * Time for name resolution, TCP, TLS and the upgrade, for each address (milliseconds, or text such as
   * '30s'; from 1 to 86400000; default 10s).
   */
  connectTimeout?: number | string | undefined;
  /**
   * Time from the upgrade until accepted, without the proof of work (milliseconds, or text such as '30s';
   * from 1 to 86400000; default 15s).
   */
  handshakeTimeout?: number | string | undefined;
  /**
   * First bound of the random wait before a new try; doubles with each failure (milliseconds, or text such as
   * '30s'; from 1 to 86400000; default 100ms).
   */
  backoffMin?: number | string | undefined;
  /** Last bound of that wait (milliseconds, or text such as '30s'; from 1 to 86400000; default 30s). */
  backoffMax?: number | string | undefined;
  /**
   * Wait after a service refused the handshake for cause (milliseconds, or text such as '30s'; from 1 to
   * 86400000; default 30s).
   */
  refusedBackoff?: number | string | undefined;
  /** Take the connection back when a newer one of the same key replaced it (default off). */
  reconnectWhenReplaced?: boolean | undefined;
  /** Sends that may wait (from 1 to 16777216; default 4096). */
  outboxCount?: number | undefined;
  /** Payload bytes that may wait (bytes, or text such as '16MiB'; from 1 to 1099511627776; default 64MiB). */
  outboxBytes?: number | string | undefined;
  /** Requests that are handed out and not answered yet (from 1 to 1048576; default 64). */
  serveRunning?: number | undefined;
  /**
   * Requests that wait for that; what comes beyond is answered with the error "busy" (from 0 to 1048576;
   * default 1024).
   */
  serveWaiting?: number | undefined;
  /**
   * How long a send may wait until it is written; 0: for ever (milliseconds, or text such as '30s'; from 0 to
   * 86400000; default 60s).
   */
  sendTimeout?: number | string | undefined;
  /**
   * Largest payload, both ways; the service is told, and a larger one that comes all the same is not read
   * (bytes, or text such as '16MiB'; from 1 to 1073741824; default 16MiB).
   */
  maxPayload?: number | string | undefined;
  /**
   * Silence after which the client pings; 0: never (milliseconds, or text such as '30s'; from 0 to 86400000;
   * default 30s).
   */
  pingInterval?: number | string | undefined;
  /** Time for the answer to a ping (milliseconds, or text such as '30s'; from 1 to 86400000; default 10s). */
  pingTimeout?: number | string | undefined;
  /** Most proof of work that is done, in expected hashes (from 0 to 1099511627776; default 4194304). */
  maxWork?: number | undefined;
  /**
   * How long close waits for the outbox (milliseconds, or text such as '30s'; from 0 to 86400000; default
   * 2s).
   */
  linger?: number | string | undefined;
  /** PEM file of certificate authorities to trust instead of the system's. */
  caFile?: string | undefined;
  /** The same as text; not together with ca-file. */
  caPem?: string | undefined;
  /**
   * An HTTP proxy, http://[USER:PASSWORD@]HOST[:PORT], or none; the environment has http_proxy, https_proxy,
   * all_proxy and no_proxy; loopback is reached directly (default environment).
   */
  proxy?: string | undefined;
  /** Offer the extensions of libacurast; off sends exactly what the vendor's client sends (default on). */
  extensions?: boolean | undefined;
}

/** Options of a service. */
export interface ServiceSettings {
  /** ADDRESS:PORT to listen on, [::1]:PORT for IPv6; port 0 takes a free one (default 127.0.0.1:0). */
  listen?: string | readonly string[] | undefined;
  /**
   * ADDRESS:PORT for /metrics, /healthz and /readyz; without it they answer on public ports that are
   * loopback.
   */
  adminListen?: string | undefined;
  /**
   * host:port that clients know this service by; checked in Ed25519 handshakes; without one the Host header
   * is taken.
   */
  name?: string | readonly string[] | undefined;
  /** PEM file of the certificate chain; makes it wss://. */
  tlsCert?: string | undefined;
  /** PEM file of its private key. */
  tlsKey?: string | undefined;
  /** CIDR of proxies whose X-Forwarded-For is believed. */
  trustProxy?: string | readonly string[] | undefined;
  /** Ids or public keys that may authenticate; none: all. */
  allow?: string | readonly string[] | undefined;
  /** Ids or public keys that may not; wins over allow. */
  deny?: string | readonly string[] | undefined;
  /** File with one id or public key a line, # for comments; read again on SIGHUP. */
  allowFile?: string | undefined;
  /** The same for deny. */
  denyFile?: string | undefined;
  /**
   * Proof of work: 32 hex digits, an upper bound for each of the first 16 bytes of the hash; all f: none
   * (default ffffffffffffffffffffffffffffffff).
   */
  difficulty?: string | undefined;
  /** Time from accept to accepted (milliseconds, or text such as '30s'; from 1 to 86400000; default 10s). */
  handshakeTime?: number | string | undefined;
  /**
   * Handshakes a second from one address (IPv6: one /64), twice that in a burst; loopback is exempt; 0: no
   * limit (from 0 to 1000000; default 50).
   */
  handshakeRate?: number | undefined;
  /** Connections that are not yet accepted; 0: no limit (from 0 to 16777216; default 8192). */
  maxPending?: number | undefined;
  /** Connections in all; 0: no limit but the descriptors (from 0 to 16777216; default 200000). */
  maxConnections?: number | undefined;
  /**
   * Connections from one address (IPv6: one /64); loopback counts only if this is set; 0: no limit (from 0 to
   * 16777216; default 1000).
   */
  maxConnectionsPerAddress?: number | undefined;
  /**
   * Largest frame from an accepted client, header included; 4 KiB before (bytes, or text such as '16MiB';
   * from 64 to 1073741824; default 16MiB).
   */
  maxFrame?: number | string | undefined;
  /**
   * Bytes that may wait for one client, beside one message that is being written; senders have shares of it,
   * and what exceeds them is dropped (bytes, or text such as '16MiB'; from 1024 to 1099511627776; default
   * 32MiB).
   */
  sendBuffer?: number | string | undefined;
  /**
   * Bytes that the kernel may keep for one connection on their way out (SO_SNDBUF; it doubles them for its
   * own needs, up to net.core.wmem_max); 0: as it likes (bytes, or text such as '16MiB'; from 0 to
   * 1073741824; default 256KiB).
   */
  socketSendBuffer?: number | string | undefined;
  /**
   * The same on their way in (SO_RCVBUF, net.core.rmem_max); 0: as it likes (bytes, or text such as '16MiB';
   * from 0 to 1073741824; default 256KiB).
   */
  socketReceiveBuffer?: number | string | undefined;
  /**
   * Messages a second from one connection, one second's worth in a burst; reading pauses beyond; 0: no limit
   * (from 0 to 1000000000; default 100000).
   */
  rateMessages?: number | undefined;
  /**
   * Bytes a second from one connection, likewise; 0: no limit (bytes, or text such as '16MiB'; from 0 to
   * 1099511627776; default 256MiB).
   */
  rateBytes?: number | string | undefined;
  /** Payloads kept for an id that was here recently; 0: no mailbox (from 0 to 1000000; default 20). */
  mailboxCount?: number | undefined;
  /** Bytes kept for it; 0: no mailbox (bytes, or text such as '16MiB'; from 0 to 1099511627776; default 1MiB). */
  mailboxBytes?: number | string | undefined;
  /**
   * How long after its disconnect; 0: no mailbox (seconds, or text such as '1m'; from 0 to 86400; default
   * 30).
   */
  mailboxSeconds?: number | string | undefined;
  /**
   * Bytes of all mailboxes together; one sender takes an eighth at most, one address half; 0: no limit
   * (bytes, or text such as '16MiB'; from 0 to 1099511627776; default 256MiB).
   */
  mailboxTotal?: number | string | undefined;
  /**
   * Bytes of all buffers together; when reached, the largest user goes first; 0: no limit (bytes, or text
   * such as '16MiB'; from 0 to 1099511627776; default 1GiB).
   */
  memory?: number | string | undefined;
  /**
   * Silence after which a client is pinged; 0: never (milliseconds, or text such as '30s'; from 0 to
   * 86400000; default 60s).
   */
  pingInterval?: number | string | undefined;
  /** Time for the answer to a ping (milliseconds, or text such as '30s'; from 1 to 86400000; default 20s). */
  pingTimeout?: number | string | undefined;
  /** Longest time that a drain takes (milliseconds, or text such as '30s'; from 0 to 86400000; default 10s). */
  drainTime?: number | string | undefined;
  /** Speak the extensions of libacurast to clients that offer them (default on). */
  extensions?: boolean | undefined;
  /**
   * Tell clients that ask who is here, and who of those that they asked for has left; off hides it in
   * receipts, too (default on).
   */
  presence?: boolean | undefined;
  /**
   * Ids whose leaving one client is told: those that it sent to with receipts or looked up last; 0: none
   * (from 0 to 16777216; default 1024).
   */
  watches?: number | undefined;
}
