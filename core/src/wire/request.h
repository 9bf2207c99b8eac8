/*
 * Reads the head of one HTTP/1.1 request, without I/O: RFC 9112 without what it merely tolerates. Lines end in CR LF, no header is
 * folded, and no empty line comes before the request. HTTP/1.0 is read too, but it cannot upgrade.
 *
 *   MORE (call again with the same bytes and those that came) -> WHOLE or WRONG
 *
 * WRONG is told with the first byte that no correct request has in its place; what only the headers together tell, with the last one.
 * Nothing is kept between the calls. Each goes on at the line in which the last one ended, so a line that comes byte by byte costs the
 * square of its length: some 50 ms for the longest.
 *
 * The path is not decoded. Two spellings of one path are two paths here, as they are for a proxy in front that lets through only some.
 */
#ifndef ACURAST_WIRE_REQUEST_H
#define ACURAST_WIRE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#define ACURAST__REQUEST_MAX 16384 /* bytes of a head */

typedef enum acurast__request_progress {
    ACURAST__REQUEST_MORE, /* has to come; the bytes are unchanged */
    ACURAST__REQUEST_WHOLE,
    ACURAST__REQUEST_WRONG /* to be answered with `status` */
} acurast__request_progress;

/* Valid once the head is WHOLE. The texts lie in the caller's bytes, where each got its NUL; NULL: there is no such header. */
typedef struct acurast__request_head {
    unsigned status;     /* of WRONG: 400, 414, 431, 501 or 505 */
    size_t size;         /* of the head; behind it are frames, or a body */
    const char *method;  /* any token */
    const char *path;    /* without its query; begins with / where the method is GET or HEAD */
    const char *host;    /* "" if absent, which only HTTP/1.0 may do */
    const char *upgrade; /* NULL in HTTP/1.0 */
    const char *key;     /* Sec-WebSocket-... */
    const char *version;
    const char *protocol;
    const char *forwarded_for;            /* every X-Forwarded-For in order, joined by ", " */
    bool upgrades;                        /* Connection names upgrade; false in HTTP/1.0 */
    bool body;                            /* one is announced */
    bool proxied;                         /* a header that proxies add is there, whatever it says */
    char forwarded[ACURAST__REQUEST_MAX]; /* what `forwarded_for` points to: no longer than the lines it is from */
} acurast__request_head;

/*
 * `bytes` are all that have come; what is behind ACURAST__REQUEST_MAX of them is not looked at. `known`: so many of them were there at the
 * last call, which answered MORE; 0 at the first one.
 */
acurast__request_progress acurast__request_read(acurast__request_head *head, char *bytes, size_t size, size_t known);

#endif
