/*
 * The table of options: everything that can be set, once.
 *
 *   X(id, name, scope, type, default, min, max, choices, help)
 *
 * 0 switches a limit off where the range allows it. The units are those of the types in acurast/options.h.
 */
#ifndef ACURAST_BASE_OPTION_TABLE_H
#define ACURAST_BASE_OPTION_TABLE_H

#define ACURAST__MIB (1024LL * 1024)
#define ACURAST__TIB (1024LL * 1024 * ACURAST__MIB)

#define ACURAST__CONTEXT_OPTIONS(X)                                                                                    \
    X(THREADS, "threads", CONTEXT, COUNT, "1", 0, 256, "", "I/O threads; 0 takes as many as this process has cores")   \
    X(LOG_LEVEL, "log-level", CONTEXT, CHOICE, "warn", 0, 4, "off|error|warn|info|debug",                              \
      "Which log events are delivered")

#define ACURAST__CLIENT_OPTIONS(X)                                                                                     \
    X(URL, "url", CLIENT, LIST, "", 0, 32, "", "Services to try, in order: ws:// or wss:// URLs")                      \
    X(FAILOVER, "failover", CLIENT, CHOICE, "ordered", 0, 1, "ordered|sticky",                                         \
      "Reconnect from the first service of the list, or from the last good one (for services that reach each other)")  \
    X(CONNECT_TIMEOUT, "connect-timeout", CLIENT, MILLISECONDS, "10s", 1, 86400000, "",                                \
      "Time for name resolution, TCP, TLS and the upgrade, for each address")                                          \
    X(HANDSHAKE_TIMEOUT, "handshake-timeout", CLIENT, MILLISECONDS, "15s", 1, 86400000, "",                            \
      "Time from the upgrade until accepted, without the proof of work")                                               \
    X(BACKOFF_MIN, "backoff-min", CLIENT, MILLISECONDS, "100ms", 1, 86400000, "",                                      \
      "First bound of the random wait before a new try; doubles with each failure")                                    \
    X(BACKOFF_MAX, "backoff-max", CLIENT, MILLISECONDS, "30s", 1, 86400000, "", "Last bound of that wait")             \
    X(REFUSED_BACKOFF, "refused-backoff", CLIENT, MILLISECONDS, "30s", 1, 86400000, "",                                \
      "Wait after a service refused the handshake for cause")                                                          \
    X(RECONNECT_WHEN_REPLACED, "reconnect-when-replaced", CLIENT, BOOL, "off", 0, 1, "",                               \
      "Take the connection back when a newer one of the same key replaced it")                                         \
    X(OUTBOX_COUNT, "outbox-count", CLIENT, COUNT, "4096", 1, 16777216, "", "Sends that may wait")                     \
    X(OUTBOX_BYTES, "outbox-bytes", CLIENT, SIZE, "64MiB", 1, ACURAST__TIB, "", "Payload bytes that may wait")         \
    X(SERVE_RUNNING, "serve-running", CLIENT, COUNT, "64", 1, 1048576, "",                                             \
      "Requests that are handed out and not answered yet")                                                             \
    X(SERVE_WAITING, "serve-waiting", CLIENT, COUNT, "1024", 0, 1048576, "",                                           \
      "Requests that wait for that; what comes beyond is answered with the error \"busy\"")                            \
    X(SEND_TIMEOUT, "send-timeout", CLIENT, MILLISECONDS, "60s", 0, 86400000, "",                                      \
      "How long a send may wait until it is written; 0: for ever")                                                     \
    X(MAX_PAYLOAD, "max-payload", CLIENT, SIZE, "16MiB", 1, 1024 * ACURAST__MIB, "",                                   \
      "Largest payload, both ways; the service is told, and a larger one that comes all the same is not read")         \
    X(PING_INTERVAL, "ping-interval", CLIENT, MILLISECONDS, "30s", 0, 86400000, "",                                    \
      "Silence after which the client pings; 0: never")                                                                \
    X(PING_TIMEOUT, "ping-timeout", CLIENT, MILLISECONDS, "10s", 1, 86400000, "", "Time for the answer to a ping")     \
    X(MAX_WORK, "max-work", CLIENT, COUNT, "4194304", 0, 1099511627776, "",                                            \
      "Most proof of work that is done, in expected hashes")                                                           \
    X(LINGER, "linger", CLIENT, MILLISECONDS, "2s", 0, 86400000, "", "How long close waits for the outbox")            \
    X(CA_FILE, "ca-file", CLIENT, TEXT, "", 0, 0, "",                                                                  \
      "PEM file of certificate authorities to trust instead of the system's")                                          \
    X(CA_PEM, "ca-pem", CLIENT, TEXT, "", 0, 0, "", "The same as text; not together with ca-file")                     \
    X(PROXY, "proxy", CLIENT, TEXT, "environment", 0, 0, "",                                                           \
      "An HTTP proxy, http://[USER:PASSWORD@]HOST[:PORT], or none; the environment has http_proxy, https_proxy, "    \
      "all_proxy and no_proxy; loopback is reached directly")                                                          \
    X(CLIENT_EXTENSIONS, "extensions", CLIENT, BOOL, "on", 0, 1, "",                                                   \
      "Offer the extensions of libacurast; off sends exactly what the vendor's client sends")

#define ACURAST__SERVICE_OPTIONS(X)                                                                                    \
    X(LISTEN, "listen", SERVICE, LIST, "127.0.0.1:9001", 0, 16, "",                                                    \
      "ADDRESS:PORT to listen on, [::1]:PORT for IPv6; port 0 takes a free one")                                       \
    X(ADMIN_LISTEN, "admin-listen", SERVICE, TEXT, "", 0, 0, "",                                                       \
      "ADDRESS:PORT for /metrics, /healthz and /readyz; without it they answer on public ports that are loopback")     \
    X(NAME, "name", SERVICE, LIST, "", 0, 16, "",                                                                      \
      "host:port that clients know this service by; checked in Ed25519 handshakes; without one the Host header is "    \
      "taken")                                                                                                         \
    X(TLS_CERT, "tls-cert", SERVICE, TEXT, "", 0, 0, "", "PEM file of the certificate chain; makes it wss://")         \
    X(TLS_KEY, "tls-key", SERVICE, TEXT, "", 0, 0, "", "PEM file of its private key")                                  \
    X(TRUST_PROXY, "trust-proxy", SERVICE, LIST, "", 0, 64, "", "CIDR of proxies whose X-Forwarded-For is believed")   \
    X(ALLOW, "allow", SERVICE, LIST, "", 0, 100000, "", "Ids or public keys that may authenticate; none: all")         \
    X(DENY, "deny", SERVICE, LIST, "", 0, 100000, "", "Ids or public keys that may not; wins over allow")              \
    X(ALLOW_FILE, "allow-file", SERVICE, TEXT, "", 0, 0, "",                                                           \
      "File with one id or public key a line, # for comments; read again on SIGHUP")                                   \
    X(DENY_FILE, "deny-file", SERVICE, TEXT, "", 0, 0, "", "The same for deny")                                        \
    X(DIFFICULTY, "difficulty", SERVICE, TEXT, "ffffffffffffffffffffffffffffffff", 0, 0, "",                           \
      "Proof of work: 32 hex digits, an upper bound for each of the first 16 bytes of the hash; all f: none")          \
    X(HANDSHAKE_TIME, "handshake-time", SERVICE, MILLISECONDS, "10s", 1, 86400000, "", "Time from accept to accepted") \
    X(HANDSHAKE_RATE, "handshake-rate", SERVICE, COUNT, "50", 0, 1000000, "",                                          \
      "Handshakes a second from one address (IPv6: one /64), twice that in a burst; loopback is exempt; 0: no limit")  \
    X(MAX_PENDING, "max-pending", SERVICE, COUNT, "8192", 0, 16777216, "",                                             \
      "Connections that are not yet accepted; 0: no limit")                                                            \
    X(MAX_CONNECTIONS, "max-connections", SERVICE, COUNT, "200000", 0, 16777216, "",                                   \
      "Connections in all; 0: no limit but the descriptors")                                                           \
    X(MAX_CONNECTIONS_PER_ADDRESS, "max-connections-per-address", SERVICE, COUNT, "1000", 0, 16777216, "",             \
      "Connections from one address (IPv6: one /64); loopback counts only if this is set; 0: no limit")                \
    X(MAX_FRAME, "max-frame", SERVICE, SIZE, "16MiB", 64, 1024 * ACURAST__MIB, "",                                     \
      "Largest frame from an accepted client, header included; 4 KiB before")                                          \
    X(SEND_BUFFER, "send-buffer", SERVICE, SIZE, "32MiB", 1024, ACURAST__TIB, "",                                      \
      "Bytes that may wait for one client, beside one message that is being written; senders have shares of it, and "  \
      "what exceeds them is dropped")                                                                                  \
    X(SOCKET_SEND_BUFFER, "socket-send-buffer", SERVICE, SIZE, "256KiB", 0, 1024 * ACURAST__MIB, "",                   \
      "Bytes that the kernel may keep for one connection on their way out (SO_SNDBUF; it doubles them for its own "    \
      "needs, up to net.core.wmem_max); 0: as it likes")                                                               \
    X(SOCKET_RECEIVE_BUFFER, "socket-receive-buffer", SERVICE, SIZE, "256KiB", 0, 1024 * ACURAST__MIB, "",             \
      "The same on their way in (SO_RCVBUF, net.core.rmem_max); 0: as it likes")                                       \
    X(RATE_MESSAGES, "rate-messages", SERVICE, COUNT, "100000", 0, 1000000000, "",                                     \
      "Messages a second from one connection, one second's worth in a burst; reading pauses beyond; 0: no limit")      \
    X(RATE_BYTES, "rate-bytes", SERVICE, SIZE, "256MiB", 0, ACURAST__TIB, "",                                          \
      "Bytes a second from one connection, likewise; 0: no limit")                                                     \
    X(MAILBOX_COUNT, "mailbox-count", SERVICE, COUNT, "20", 0, 1000000, "",                                            \
      "Payloads kept for an id that was here recently; 0: no mailbox")                                                 \
    X(MAILBOX_BYTES, "mailbox-bytes", SERVICE, SIZE, "1MiB", 0, ACURAST__TIB, "", "Bytes kept for it; 0: no mailbox")  \
    X(MAILBOX_SECONDS, "mailbox-seconds", SERVICE, SECONDS, "30", 0, 86400, "",                                        \
      "How long after its disconnect; 0: no mailbox")                                                                  \
    X(MAILBOX_TOTAL, "mailbox-total", SERVICE, SIZE, "256MiB", 0, ACURAST__TIB, "",                                    \
      "Bytes of all mailboxes together; one sender takes an eighth at most, one address half; 0: no limit")            \
    X(MEMORY, "memory", SERVICE, SIZE, "1GiB", 0, ACURAST__TIB, "",                                                    \
      "Bytes of all buffers together; when reached, the largest user goes first; 0: no limit")                         \
    X(SERVICE_PING_INTERVAL, "ping-interval", SERVICE, MILLISECONDS, "60s", 0, 86400000, "",                           \
      "Silence after which a client is pinged; 0: never")                                                              \
    X(SERVICE_PING_TIMEOUT, "ping-timeout", SERVICE, MILLISECONDS, "20s", 1, 86400000, "",                             \
      "Time for the answer to a ping")                                                                                 \
    X(DRAIN_TIME, "drain-time", SERVICE, MILLISECONDS, "10s", 0, 86400000, "", "Longest time that a drain takes")      \
    X(SERVICE_EXTENSIONS, "extensions", SERVICE, BOOL, "on", 0, 1, "",                                                 \
      "Speak the extensions of libacurast to clients that offer them")                                                 \
    X(PRESENCE, "presence", SERVICE, BOOL, "on", 0, 1, "",                                                             \
      "Tell clients that ask who is here, and who of those that they asked for has left; off hides it in receipts, "   \
      "too")                                                                                                           \
    X(WATCHES, "watches", SERVICE, COUNT, "1024", 0, 16777216, "",                                                     \
      "Ids whose leaving one client is told: those that it sent to with receipts or looked up last; 0: none")

#define ACURAST__OPTION_TABLE(X) ACURAST__CONTEXT_OPTIONS(X) ACURAST__CLIENT_OPTIONS(X) ACURAST__SERVICE_OPTIONS(X)

#endif
