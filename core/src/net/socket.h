/* TCP sockets, and what differs between systems about them. */
#ifndef ACURAST_NET_SOCKET_H
#define ACURAST_NET_SOCKET_H

#include "net/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#ifndef MSG_NOSIGNAL /* where it is missing, acurast__socket_quiet() sees to it */
#define MSG_NOSIGNAL 0
#endif

/* No SIGPIPE from writes to it, where they cannot say so themselves. */
void acurast__socket_quiet(int socket);

/* A TCP socket that does not block, is closed by an exec, sends small writes at once, and is quiet. -1, with errno. */
int acurast__socket_open(int family);

/* An address as the system's calls want it, of IPv4 (for such an address only) or of IPv6; returns its size. */
socklen_t acurast__socket_address(const acurast__address *address, bool four, uint16_t port,
                                  struct sockaddr_storage *to);

/* The same the other way round, of either family. */
void acurast__socket_address_read(acurast__address *address, const struct sockaddr *from);

/* As accept(); the socket is closed by an exec, and quiet. */
int acurast__socket_accept(int listener, struct sockaddr *from, socklen_t *size);

/*
 * True where the peer's kernel has taken more of what it was sent since the last call with the same `taken` (at first 0), and still
 * has not got all of it: so it is alive, and whatever was sent last waits behind the rest. `all`: also where it has got all of it.
 * Where the system does not tell: false.
 */
bool acurast__socket_draining(int socket, uint64_t *taken, bool all);

/* True where bytes of the peer have come that were not read. */
bool acurast__socket_unread(int socket);

/* True where the peer is gone, or has closed its side and all that it said was read: nothing is lost by a close. False where in doubt. */
bool acurast__socket_finished(int socket);

/*
 * Bounds what the kernel keeps for each connection that a listening socket accepts, in bytes; 0 leaves that to the kernel, which may take
 * less than is asked for. Unsent bytes are kept few in any case, so that what waits is with us, where it is counted and shared.
 */
void acurast__socket_bound(int listener, size_t send_buffer, size_t receive_buffer);

/* What the kernel still has to send is forgotten when it is closed, and the peer is told by a reset. */
void acurast__socket_forget(int socket);

/* The size of its send buffer in bytes; 0 if that cannot be told. */
size_t acurast__socket_send_buffer(int socket);

/* Bytes that were written to it and that the peer's kernel has not acknowledged. Where the system does not tell: SIZE_MAX. */
size_t acurast__socket_waiting(int socket);

#endif
