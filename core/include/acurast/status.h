/*
 * What a call answers. ACURAST_OK is 0; everything else is a reason.
 *
 * The table below is the only place where codes are written down: the enum, the
 * names, the texts and every binding's error classes come from it. A code, once
 * released, keeps its number and its meaning.
 *
 *   X(name, code, retriable, text)
 *
 * `retriable` is 1 where the same call may succeed later without a change by the
 * caller: the network came back, a buffer drained, a peer went away.
 */
#ifndef ACURAST_STATUS_H
#define ACURAST_STATUS_H

#include <acurast/export.h>

#include <stddef.h>

ACURAST_BEGIN

#define ACURAST_STATUS_MAP(X)                                                                                          \
    X(OK, 0, 0, "success")                                                                                             \
    X(INVALID, 1, 0, "an argument is missing or has a value that is not allowed")                                      \
    X(NO_MEMORY, 2, 1, "out of memory")                                                                                \
    X(BAD_STATE, 3, 0, "the object's present state does not allow this call")                                          \
    X(CLOSED, 4, 0, "the object is closed")                                                                            \
    X(TIMEOUT, 5, 1, "the time allowed for the call has passed")                                                       \
    X(CANCELLED, 6, 0, "the operation was cancelled")                                                                  \
    X(UNSUPPORTED, 7, 0, "not supported by this key, this peer or this build")                                         \
    X(FORKED, 8, 0, "the object belongs to the parent process; after fork() make a new one")                           \
    X(WOULD_DEADLOCK, 9, 0, "a waiting call is not allowed on an I/O thread or in a callback")                         \
    X(BUSY, 10, 1, "the object is in use by another call")                                                             \
    X(NOT_FOUND, 11, 0, "there is no such thing")                                                                      \
    X(TOO_SMALL, 12, 0, "the buffer given is too small; the size needed was stored")                                   \
    X(SYSTEM, 13, 1, "a system call failed")                                                                           \
    X(ADDRESS_IN_USE, 14, 1, "the address is in use by another program")                                               \
    X(NOT_PERMITTED, 15, 0, "the operating system does not permit this")                                               \
    X(BAD_HEX, 20, 0, "not hexadecimal: an odd number of digits or a foreign character")                               \
    X(BAD_KEY, 21, 0, "not a valid key: wrong size, wrong form, or not a point on the curve")                          \
    X(BAD_RECIPIENT, 22, 0, "a recipient is an id (16 bytes) or a public key (33 or 65 bytes), as bytes or hex")       \
    X(BAD_SIGNATURE, 23, 0, "the signature does not fit")                                                              \
    X(BAD_SEAL, 24, 0, "the seal does not open: changed on the way, or another key, key form or salt")                 \
    X(UNKNOWN_OPTION, 30, 0, "there is no option of this name in this scope")                                          \
    X(BAD_OPTION, 31, 0, "the option's value is malformed or out of its range")                                        \
    X(NOT_CONNECTED, 40, 1, "not connected to any service")                                                            \
    X(RESOLVE, 41, 1, "the service's host name could not be resolved")                                                 \
    X(CONNECT, 42, 1, "the service could not be reached")                                                              \
    X(TLS, 43, 1, "the TLS handshake failed or the certificate is not trusted for this host")                          \
    X(UPGRADE, 44, 1, "the peer answered, but not as a websocket service")                                             \
    X(PROTOCOL, 45, 1, "the peer broke the protocol")                                                                  \
    X(REFUSED, 46, 1, "the service refused the handshake (close code 1008)")                                           \
    X(DENIED, 47, 0, "the service's lists deny this identity (close code 4003)")                                       \
    X(REPLACED, 48, 0, "a newer connection of the same key took over (close code 4001)")                               \
    X(WORK_TOO_HARD, 49, 0, "the service asks for more proof of work than the option `max-work` allows")               \
    X(LOST, 50, 1, "the connection was lost")                                                                          \
    X(UNRESPONSIVE, 51, 1, "the peer did not answer in time")                                                          \
    X(DRAINING, 52, 1, "the service is shutting down or restarting (close code 1001)")                                 \
    X(SLOW_READER, 53, 1, "the service gave up on us for reading too slowly (close code 4004)")                        \
    X(KEY_BUSY, 54, 1, "this key was taken over too often, and its present connection stays (close code 4005)")            \
    X(OUTBOX_FULL, 60, 1, "the outbox is full; wait for the writable event")                                           \
    X(EXPIRED, 61, 1, "the payload was not written within the time allowed")                                           \
    X(TOO_LARGE, 62, 0, "the payload is larger than the limit")                                                        \
    X(NOT_HERE, 63, 1, "the recipient is not here, and has no mailbox")                                                \
    X(MAILBOX_FULL, 64, 1, "the recipient's mailbox, or the sender's share of mailboxes, is full")                     \
    X(MAILBOX_EXPIRED, 65, 1, "the payload waited in the recipient's mailbox until its time was over")                 \
    X(QUEUE_FULL, 66, 1, "the recipient's queue at the service, or the sender's share of it, is full")                 \
    X(NOT_DELIVERED, 67, 1, "the service did not pass the payload on, and does not say why")                           \
    X(UNDETERMINED, 68, 0, "the payload was sent, and whether it was delivered cannot be known")                       \
    X(SERVICE_MEMORY, 69, 1, "the service has no memory for the payload")                                              \
    X(REMOTE_ERROR, 70, 0, "the recipient answered the request with an error")                                         \
    X(NOT_ENOUGH_ANSWERS, 71, 1, "too few of those that were asked gave a result, or the same one")

typedef enum acurast_status {
#define ACURAST_STATUS_ENUM(name, code, retriable, text) ACURAST_##name = (code),
    ACURAST_STATUS_MAP(ACURAST_STATUS_ENUM)
#undef ACURAST_STATUS_ENUM
} acurast_status;

/* The status's name without its prefix, such as "OUTBOX_FULL"; "UNKNOWN" for a number not in the table. Static. */
ACURAST_API const char *acurast_status_name(acurast_status status);

/* One sentence for people, without a full stop. Static; never NULL. */
ACURAST_API const char *acurast_status_text(acurast_status status);

/* 1 where the same call may succeed later as it is, else 0. */
ACURAST_API int acurast_status_retriable(acurast_status status);

/*
 * The table by position, for bindings that make classes of it: 0 and the status at `index`,
 * or -1 past the end.
 */
ACURAST_API int acurast_status_at(size_t index, acurast_status *status);

ACURAST_END

#endif
