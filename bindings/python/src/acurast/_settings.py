"""The options as types: names, units and defaults.

Written by tools/generate.py from the core's table; not by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict


class ContextOptions(TypedDict, total=False):
    """Options of the I/O threads, for acurast.configure()."""

    threads: int
    """I/O threads; 0 takes as many as this process has cores (default 1)."""
    log_level: Literal["off", "error", "warn", "info", "debug"]
    """Which log events are delivered (default warn)."""


class ClientOptions(TypedDict, total=False):
    """Options of a client."""

    failover: Literal["ordered", "sticky"]
    """Reconnect from the first service of the list, or from the last good one (for services that reach each other)
    (default ordered)."""
    connect_timeout: float | str
    """Time for name resolution, TCP, TLS and the upgrade, for each address (seconds, or text such as '500ms';
    default 10s)."""
    handshake_timeout: float | str
    """Time from the upgrade until accepted, without the proof of work (seconds, or text such as '500ms'; default
    15s)."""
    backoff_min: float | str
    """First bound of the random wait before a new try; doubles with each failure (seconds, or text such as '500ms';
    default 100ms)."""
    backoff_max: float | str
    """Last bound of that wait (seconds, or text such as '500ms'; default 30s)."""
    refused_backoff: float | str
    """Wait after a service refused the handshake for cause (seconds, or text such as '500ms'; default 30s)."""
    reconnect_when_replaced: bool
    """Take the connection back when a newer one of the same key replaced it (default off)."""
    outbox_count: int
    """Sends that may wait (default 4096)."""
    outbox_bytes: int | str
    """Payload bytes that may wait (bytes, or text such as '16MiB'; default 64MiB)."""
    serve_running: int
    """Requests that are handed out and not answered yet (default 64)."""
    serve_waiting: int
    """Requests that wait for that; what comes beyond is answered with the error "busy" (default 1024)."""
    send_timeout: float | str
    """How long a send may wait until it is written; 0: for ever (seconds, or text such as '500ms'; default 60s)."""
    max_payload: int | str
    """Largest payload, both ways; the service is told, and a larger one that comes all the same is not read (bytes,
    or text such as '16MiB'; default 16MiB)."""
    ping_interval: float | str
    """Silence after which the client pings; 0: never (seconds, or text such as '500ms'; default 30s)."""
    ping_timeout: float | str
    """Time for the answer to a ping (seconds, or text such as '500ms'; default 10s)."""
    max_work: int
    """Most proof of work that is done, in expected hashes (default 4194304)."""
    linger: float | str
    """How long close waits for the outbox (seconds, or text such as '500ms'; default 2s)."""
    ca_file: str
    """PEM file of certificate authorities to trust instead of the system's."""
    ca_pem: str
    """The same as text; not together with ca-file."""
    proxy: str
    """An HTTP proxy, http://[USER:PASSWORD@]HOST[:PORT], or none; the environment has http_proxy, https_proxy,
    all_proxy and no_proxy; loopback is reached directly (default environment)."""
    extensions: bool
    """Offer the extensions of libacurast; off sends exactly what the vendor's client sends (default on)."""


class ServiceOptions(TypedDict, total=False):
    """Options of a service."""

    admin_listen: str
    """ADDRESS:PORT for /metrics, /healthz and /readyz; without it they answer on public ports that are loopback."""
    name: Sequence[str] | str
    """host:port that clients know this service by; checked in Ed25519 handshakes; without one the Host header is
    taken."""
    tls_cert: str
    """PEM file of the certificate chain; makes it wss://."""
    tls_key: str
    """PEM file of its private key."""
    trust_proxy: Sequence[str] | str
    """CIDR of proxies whose X-Forwarded-For is believed."""
    allow: Sequence[str] | str
    """Ids or public keys that may authenticate; none: all."""
    deny: Sequence[str] | str
    """Ids or public keys that may not; wins over allow."""
    allow_file: str
    """File with one id or public key a line, # for comments; read again on SIGHUP."""
    deny_file: str
    """The same for deny."""
    difficulty: str
    """Proof of work: 32 hex digits, an upper bound for each of the first 16 bytes of the hash; all f: none (default
    ffffffffffffffffffffffffffffffff)."""
    handshake_time: float | str
    """Time from accept to accepted (seconds, or text such as '500ms'; default 10s)."""
    handshake_rate: int
    """Handshakes a second from one address (IPv6: one /64), twice that in a burst; loopback is exempt; 0: no limit
    (default 50)."""
    max_pending: int
    """Connections that are not yet accepted; 0: no limit (default 8192)."""
    max_connections: int
    """Connections in all; 0: no limit but the descriptors (default 200000)."""
    max_connections_per_address: int
    """Connections from one address (IPv6: one /64); loopback counts only if this is set; 0: no limit (default 1000)."""
    max_frame: int | str
    """Largest frame from an accepted client, header included; 4 KiB before (bytes, or text such as '16MiB'; default
    16MiB)."""
    send_buffer: int | str
    """Bytes that may wait for one client, beside one message that is being written; senders have shares of it, and
    what exceeds them is dropped (bytes, or text such as '16MiB'; default 32MiB)."""
    socket_send_buffer: int | str
    """Bytes that the kernel may keep for one connection on their way out (SO_SNDBUF; it doubles them for its own
    needs, up to net.core.wmem_max); 0: as it likes (bytes, or text such as '16MiB'; default 256KiB)."""
    socket_receive_buffer: int | str
    """The same on their way in (SO_RCVBUF, net.core.rmem_max); 0: as it likes (bytes, or text such as '16MiB';
    default 256KiB)."""
    rate_messages: int
    """Messages a second from one connection, one second's worth in a burst; reading pauses beyond; 0: no limit
    (default 100000)."""
    rate_bytes: int | str
    """Bytes a second from one connection, likewise; 0: no limit (bytes, or text such as '16MiB'; default 256MiB)."""
    mailbox_count: int
    """Payloads kept for an id that was here recently; 0: no mailbox (default 20)."""
    mailbox_bytes: int | str
    """Bytes kept for it; 0: no mailbox (bytes, or text such as '16MiB'; default 1MiB)."""
    mailbox_seconds: int | str
    """How long after its disconnect; 0: no mailbox (whole seconds, or text such as '1m'; default 30)."""
    mailbox_total: int | str
    """Bytes of all mailboxes together; one sender takes an eighth at most, one address half; 0: no limit (bytes, or
    text such as '16MiB'; default 256MiB)."""
    memory: int | str
    """Bytes of all buffers together; when reached, the largest user goes first; 0: no limit (bytes, or text such as
    '16MiB'; default 1GiB)."""
    ping_interval: float | str
    """Silence after which a client is pinged; 0: never (seconds, or text such as '500ms'; default 60s)."""
    ping_timeout: float | str
    """Time for the answer to a ping (seconds, or text such as '500ms'; default 20s)."""
    drain_time: float | str
    """Longest time that a drain takes (seconds, or text such as '500ms'; default 10s)."""
    extensions: bool
    """Speak the extensions of libacurast to clients that offer them (default on)."""
    presence: bool
    """Tell clients that ask who is here, and who of those that they asked for has left; off hides it in receipts,
    too (default on)."""
    watches: int
    """Ids whose leaving one client is told: those that it sent to with receipts or looked up last; 0: none (default
    1024)."""
