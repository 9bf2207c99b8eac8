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
 *                    ABSENT: the backlog is its mailbox --- expires ---> (none)
 *
 * An entry has one backlog: while it is held, of what its websocket has not been given, be it from other loops or because the socket is
 * full; while it is absent, of its mailbox. So there is one queue for each recipient, whatever happens to its connections, one limit, and
 * the order of a sender's messages is kept.
 *
 * What is put into the backlog of a holder posts the entry's task to its loop, which takes what the websocket has room for. If more is
 * left, the holder is `fed`: it comes for more by itself, each time that its socket has taken what it had.
 *
 * Too many takeovers lock an id: then the holder is asked first whether it lives, and a newcomer waits for the answer.
 *
 * A holder is used by its own loop's thread alone; others only read what was set before it claimed, and only while an entry points to it.
 */
#ifndef ACURAST_SERVICE_DIRECTORY_H
#define ACURAST_SERVICE_DIRECTORY_H

#include "base/idmap.h"
#include "base/list.h"
#include "net/address.h"
#include "net/chain.h"
#include "net/loop.h"
#include "service/backlog.h"
#include "service/ledger.h"
#include "service/tidings.h"

#include <pthread.h>

#define ACURAST__DIRECTORY_PARTS 64

typedef struct acurast__entry acurast__entry;
typedef struct acurast__directory acurast__directory;

/* Whoever holds or claims an id; a member of a connection. */
typedef struct acurast__holder {
    acurast__loop *loop;
    acurast__entry *entry;  /* NULL: neither holds nor claims */
    /* Set before it claims. */
    acurast__address group;     /* of its address */
    size_t max_frame;           /* the largest frame that it takes */
    _Atomic uint64_t *waiting;  /* where the memory of its backlog is counted */
    const uint8_t *public_key;  /* 33 bytes */
    bool track;                 /* it is told what becomes of its messages, and takes tracked ones as they are */
    /* Its loop's: what it was given last, or gives back when it leaves, may hold other frames than payloads. */
    bool mixed;
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
    uint64_t send_buffer;   /* what may wait for a holder, its websocket included */
    size_t window;          /* what its websocket may have of that at a time */
    /* The tasks of an entry, to be run on the loop of its holder: they call acurast__directory_wake() and _turned_away(). */
    void (*wake)(acurast__task *task);
    void (*turn_away)(acurast__task *task);
    /* Bytes that a holder's websocket has not written yet; called on the holder's loop, with a lock held. */
    size_t (*given)(const acurast__holder *holder);
    /* acurast__loop_post() and acurast__loop_is_current(), but for tests. */
    void (*post)(acurast__loop *loop, acurast__task *task);
    bool (*is_current)(const acurast__loop *loop);
} acurast__directory_config;

struct acurast__directory {
    acurast__directory_config config;
    acurast__directory_part parts[ACURAST__DIRECTORY_PARTS];
    size_t relieved; /* parts, of the relief that is under way; 0: none is */
    acurast__ledger_debtors debtors;
    acurast__ledger ledger;
    atomic_bool memory_full;   /* set by the service: mailboxes take nothing more */
    atomic_bool draining;      /* likewise: who has left comes back to another service */
    atomic_bool mailboxes_short; /* little is left for them: acurast__directory_relieve() is due */
    _Atomic uint64_t absentees;
};

/* How a claim on a locked id stands. */
typedef enum acurast__question {
    ACURAST__QUESTION_NONE,
    ACURAST__QUESTION_DUE,  /* the holder is to be asked */
    ACURAST__QUESTION_ASKED
} acurast__question;

struct acurast__entry {
    acurast__task wake;
    acurast__task turn_away;
    acurast__directory_part *part;
    acurast__holder *holder;
    acurast__holder *next;   /* the newcomer that waits */
    acurast__holder *turned; /* a newcomer that is being turned away */
    acurast__backlog backlog;
    _Atomic size_t memory; /* of the backlog, as it is counted; may be read without the lock */
    size_t given;          /* bytes that the holder's websocket had, when that was last seen */
    size_t max_frame;      /* of the last holder */
    acurast__address group;
    acurast__list link; /* in the part's list of absent ones */
    acurast__list watchers; /* service/watch.h */
    uint64_t expires;   /* while absent: milliseconds */
    uint64_t locked_until; /* newcomers wait until the holder was asked */
    uint32_t takeovers[3]; /* when the last ones were, in milliseconds cut to 32 bits; a ring */
    uint8_t takeover_count;
    uint8_t question;  /* acurast__question */
    bool posted;       /* the task is on its way */
    bool turning_away; /* the other task is */
    bool fed;          /* the holder comes for more by itself */
    bool reserved;     /* while absent: it has a mailbox, and is in the ledger */
    bool track;        /* of the last holder */
    bool mixed;        /* the backlog may hold other frames than payloads */
    uint8_t id[16];
};

/* The upper bits, since the maps use the lower ones. */
static inline acurast__directory_part *acurast__directory_part_of(acurast__directory *directory, uint64_t hash)
{
    return &directory->parts[hash >> 58];
}

void acurast__directory_init(acurast__directory *directory, const acurast__directory_config *config);

/* When no holder is left and no task is on its way. */
void acurast__directory_clear(acurast__directory *directory);

typedef enum acurast__claim {
    ACURAST__CLAIM_GRANTED, /* the newcomer holds it; `mailbox` has what waited */
    ACURAST__CLAIM_WAIT,    /* its holder is told to leave, or asked whether it lives; a wake for the newcomer follows, or it is turned away */
    ACURAST__CLAIM_REFUSED, /* another newcomer is waiting */
    ACURAST__CLAIM_NO_MEMORY
} acurast__claim;

/* On the newcomer's loop. */
acurast__claim acurast__directory_claim(acurast__directory *directory, acurast__holder *newcomer, const uint8_t id[16],
                                        uint64_t hash, uint64_t now, acurast__chain *mailbox,
                                        acurast__tidings *tidings);

/*
 * The holder, or the newcomer that waits, is gone. What was `unsent` (emptied) and what waits goes to the next holder, in this
 * order, or becomes the mailbox. `why` counts what is lost where there are no mailboxes. On the holder's loop.
 */
void acurast__directory_leave(acurast__holder *holder, acurast__chain *unsent, uint64_t now, acurast__drop why,
                              acurast__tidings *tidings);

typedef enum acurast__wake {
    ACURAST__WAKE_NOTHING,
    ACURAST__WAKE_HOLDER, /* `holder` may be new; `waiting` is for it; where `more` is set it is fed */
    ACURAST__WAKE_LEAVE,  /* `holder` is to leave: a newcomer waits */
    ACURAST__WAKE_ASK     /* `holder` is to be asked whether it lives; then acurast__directory_stay(), or it leaves */
} acurast__wake;

/* What the task of an entry is to do, on the loop that runs it. `holder` is set unless it is NOTHING. */
acurast__wake acurast__directory_wake(acurast__task *task, acurast__holder **holder, acurast__chain *waiting,
                                      bool *more);

/* The holder lives: the newcomer that waits is turned away. On the holder's loop. */
void acurast__directory_stay(acurast__holder *holder);

/* Who is turned away, by the other task of an entry; NULL where it has left. On the loop that runs it. */
acurast__holder *acurast__directory_turned_away(acurast__task *task);

/* A payload frame of an accepted client, tracked or not. */
typedef struct acurast__parcel {
    const uint8_t *recipient;
    uint64_t hash; /* of the recipient's id */
    const acurast__address *group; /* of the sender */
    const uint8_t *bytes; /* the frame; the sender's id is in it */
    size_t size;
} acurast__parcel;

/*
 * Passes a message on by the recipient's backlog: to another loop, to a socket that is full, or to a mailbox. Counts what becomes of it,
 * and notes it for the sender of a tracked one.
 * True where the sender should pause: it has half of its share waiting. Any loop's thread.
 */
bool acurast__directory_send(acurast__directory *directory, const acurast__parcel *parcel, uint64_t now,
                             acurast__tidings *tidings);

/*
 * The same for what only who tracks is told: into the backlog of a holder that does, never into a mailbox. Lost and counted where there is no
 * room for it.
 */
bool acurast__directory_tell(acurast__directory *directory, const acurast__tiding *tiding, acurast__tidings *tidings);

/* Who has the id: with the public key (33 bytes, left alone) of one who is here. Any thread. */
acurast__presence acurast__directory_look(acurast__directory *directory, const uint8_t id[16], uint64_t hash,
                                          uint64_t now, uint8_t *public_key);

/* True where a sender that paused may go on. `tired`: it goes on anyway, and is not to pause again before it has caught up. */
bool acurast__directory_relaxed(acurast__directory *directory, const uint8_t recipient[16], const uint8_t sender[16],
                                bool tired);

/* A holder that is fed takes what is due, about `budget` bytes; true where more is left. On its loop. */
bool acurast__directory_take(acurast__holder *holder, size_t budget, acurast__chain *waiting);

/* Memory in the backlog of a holder; and drops the largest parts of it, to have memory back. On its loop. */
size_t acurast__directory_held(const acurast__holder *holder);
void acurast__directory_shed(acurast__holder *holder, acurast__tidings *tidings);

/* Forgets the absent whose time is over; about once a second. */
void acurast__directory_sweep(acurast__directory *directory, uint64_t now, acurast__tidings *tidings);

/* Where mailboxes are short: who holds most of them pays. A slice of it for each call; true where more is to be done. One thread. */
bool acurast__directory_relieve(acurast__directory *directory, acurast__tidings *tidings);

/* Bytes held in mailboxes. Any thread. */
uint64_t acurast__directory_memory(acurast__directory *directory);

/* Counts what the backlog of an entry holds, after each change of it. With the part's lock. */
void acurast__directory_recount(acurast__entry *entry);

#endif
