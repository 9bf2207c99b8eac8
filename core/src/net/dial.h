/*
 * From some addresses to one connected socket (RFC 8305, "Happy Eyeballs"): the families take turns, the next address is tried where the last one has
 * failed or has said nothing for 250 ms, and the first that answers wins.
 *
 * A part of its owner's memory. All functions belong to the loop's thread.
 */
#ifndef ACURAST_NET_DIAL_H
#define ACURAST_NET_DIAL_H

#include "net/address.h"
#include "net/loop_internal.h"

#define ACURAST__DIAL_MOST 8u /* addresses */
#define ACURAST__DIAL_NEXT_MS 250u

/* What went wrong with one address, and with all of them: texts with their NUL. */
#define ACURAST__DIAL_PROBLEM_SIZE 128u
#define ACURAST__DIAL_TEXT_SIZE 256u

typedef struct acurast__dial acurast__dial;

typedef struct acurast__dialled {
    acurast__address address;
    acurast__dial *dial;
    enum {
        ACURAST__DIAL_FRESH,
        ACURAST__DIAL_RINGING,
        ACURAST__DIAL_OVER
    } state;
    int socket;
    uv_poll_t *poll;
    acurast__timer timer; /* ends it */
    uint64_t since;
    char problem[ACURAST__DIAL_PROBLEM_SIZE]; /* where it is over; empty: it has connected */
    acurast_status status;                    /* the kind of that */
} acurast__dialled;

struct acurast__dial {
    acurast__loop *loop;
    uint16_t port;
    uint32_t timeout_ms; /* for each address */
    acurast__timer turn; /* of the next address */
    size_t count;
    acurast__dialled tried[ACURAST__DIAL_MOST];
    /* The socket is the owner's: not blocking, closed by an exec. It was tried `ms` milliseconds ago. */
    void (*connected)(acurast__dial *dial, int socket, uint64_t ms);
    /* There is no address left. */
    void (*failed)(acurast__dial *dial);
};

/* Fills the struct, but for the two functions, which the caller sets. */
void acurast__dial_init(acurast__dial *dial, acurast__loop *loop, uint16_t port, uint32_t timeout_ms);

/* In the order of preference, each once; beyond ACURAST__DIAL_MOST they are left out, in turns of the families. */
void acurast__dial_set(acurast__dial *dial, const acurast__address *addresses, size_t count);

/*
 * Tries what was not tried, and after `connected` what did not get its chance: for an address that connects and is no good. Calls one of the functions
 * once, which may be before this returns.
 */
void acurast__dial_go(acurast__dial *dial);

/* Ends all attempts: neither function is called. */
void acurast__dial_stop(acurast__dial *dial);

/* The address that has connected turned out to be no good: TIMEOUT, CONNECT, TLS, UPGRADE or NO_MEMORY. */
void acurast__dial_blame(acurast__dial *dial, acurast_status status, const char *problem);

/* What has failed, by the address that has got furthest: TIMEOUT, CONNECT or NO_MEMORY, or what the owner has blamed. */
acurast_status acurast__dial_status(const acurast__dial *dial);

/* "ADDRESS: PROBLEM; ADDRESS: PROBLEM", cut where it is too long. */
void acurast__dial_tell(const acurast__dial *dial, char text[ACURAST__DIAL_TEXT_SIZE]);

#endif
