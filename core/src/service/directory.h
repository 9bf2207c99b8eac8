/*
 * Where each id is: who holds it, on which loop, and what waits for it. One directory for all loops, in 64 parts with a
 * lock each.
 *
 * An id has an entry while a connection holds it, and for the mailbox's time afterwards:
 *
 *            claim                      claim by a newcomer
 *   (none) --------> HELD by a connection ----------------> HELD, and a newcomer waits
 *                     |        ^    ^                            |
 *               leave |  claim |    +----------------------------+
 *                     v        |         leave, of either
 *                    ABSENT: the chain is its mailbox --- expires ---> (none)
 *
 * An entry has one chain: of messages from other loops while it is held, of the mailbox while it is absent. So there
 * is one queue for each recipient, whatever happens to its connections, and the order of a sender's messages is kept.
 * A message for a holder on another loop is appended under the lock; the first of them posts the entry's task to that
 * loop, which takes the whole chain.
 *
 * A holder is used by its own loop's thread alone; others only read its loop, and only while an entry points to it.
 */
#ifndef ACURAST_SERVICE_DIRECTORY_H
#define ACURAST_SERVICE_DIRECTORY_H

#include "base/idmap.h"
#include "base/list.h"
#include "net/chain.h"
#include "net/loop.h"
#include "service/ledger.h"
#include "service/metrics.h"

#include <pthread.h>

#define ACURAST__DIRECTORY_PARTS 64

typedef struct acurast__entry acurast__entry;
typedef struct acurast__directory acurast__directory;

/* Whoever holds or claims an id; a member of a connection. */
typedef struct acurast__holder {
    acurast__loop *loop;
    acurast__entry *entry; /* NULL: neither holds nor claims */
} acurast__holder;

typedef struct acurast__directory_part {
    pthread_mutex_t lock;
    acurast__idmap entries;
    acurast__list absent; /* those without a holder, the one that left first at its head */
    acurast__directory *directory;
} acurast__directory_part;

typedef struct acurast__directory_config {
    uint64_t mailbox_count; /* any of the first three 0: no mailboxes */
    uint64_t mailbox_bytes;
    uint64_t mailbox_ms;
    uint64_t mailbox_total; /* 0: no limit */
    uint64_t send_buffer;   /* what may wait for a holder on another loop */
    /* The task of an entry, to be run on the loop of its holder: it calls acurast__directory_wake(). */
    void (*wake)(acurast__task *task);
    /* acurast__loop_post() and acurast__loop_is_current(), but for tests. */
    void (*post)(acurast__loop *loop, acurast__task *task);
    bool (*is_current)(const acurast__loop *loop);
} acurast__directory_config;

struct acurast__directory {
    acurast__directory_config config;
    acurast__directory_part parts[ACURAST__DIRECTORY_PARTS];
    acurast__ledger ledger;
    atomic_bool memory_full;   /* set by the service: mailboxes take nothing more */
    _Atomic uint64_t transit;  /* bytes held in chains on their way to another loop */
    _Atomic uint64_t absentees;
};

struct acurast__entry {
    acurast__task wake;
    acurast__directory_part *part;
    acurast__holder *holder;
    acurast__holder *next;
    acurast__chain chain;
    acurast__list link; /* in the part's list of absent ones */
    uint64_t expires;   /* while absent: milliseconds */
    uint64_t locked_until; /* newcomers are turned away */
    uint32_t takeovers[3]; /* when the last ones were, in milliseconds cut to 32 bits; a ring */
    uint8_t takeover_count;
    bool posted;   /* the task is on its way */
    bool overflow; /* more came than the send buffer takes */
    bool reserved; /* while absent: it is in the ledger */
    uint8_t id[16];
};

void acurast__directory_init(acurast__directory *directory, const acurast__directory_config *config);

/* When no holder is left and no task is on its way. */
void acurast__directory_clear(acurast__directory *directory);

typedef enum acurast__claim {
    ACURAST__CLAIM_GRANTED, /* the newcomer holds it; `mailbox` has what waited */
    ACURAST__CLAIM_WAIT,    /* its holder was told to leave; a wake for the newcomer follows */
    ACURAST__CLAIM_REFUSED, /* the incumbent stays: too many takeovers, or another newcomer is waiting */
    ACURAST__CLAIM_NO_MEMORY
} acurast__claim;

/* On the newcomer's loop. */
acurast__claim acurast__directory_claim(acurast__directory *directory, acurast__holder *newcomer, const uint8_t id[16],
                                        uint64_t hash, uint64_t now, acurast__chain *mailbox,
                                        acurast__metrics *metrics);

/*
 * The holder, or the newcomer that waits, is gone. What was `unsent` (emptied) and what waits goes to the next holder, in this
 * order, or becomes the mailbox. `why` counts what is lost where there are no mailboxes. On the holder's loop.
 */
void acurast__directory_leave(acurast__holder *holder, acurast__chain *unsent, uint64_t now, acurast__drop why,
                              acurast__metrics *metrics);

typedef enum acurast__wake {
    ACURAST__WAKE_NOTHING,
    ACURAST__WAKE_HOLDER,  /* `holder` may be new, and `waiting` is for it */
    ACURAST__WAKE_LEAVE,   /* `holder` is to leave: a newcomer waits */
    ACURAST__WAKE_OVERFLOW /* `holder` reads too slowly; what waits stays for acurast__directory_leave() */
} acurast__wake;

/* What the task of an entry is to do, on the loop that runs it. `holder` is set unless it is NOTHING. */
acurast__wake acurast__directory_wake(acurast__task *task, acurast__holder **holder, acurast__chain *waiting);

/*
 * Passes a message to an id that is not on the sender's own loop: to another loop, or to its mailbox. Counts what
 * becomes of it. Any loop's thread.
 */
void acurast__directory_send(acurast__directory *directory, const uint8_t id[16], uint64_t hash, const uint8_t *bytes,
                             size_t size, uint64_t now, acurast__metrics *metrics);

/* Forgets the absent whose time is over; about once a second. */
void acurast__directory_sweep(acurast__directory *directory, uint64_t now, acurast__metrics *metrics);

/* Bytes held in mailboxes and in transit. Any thread. */
uint64_t acurast__directory_memory(acurast__directory *directory);

#endif
