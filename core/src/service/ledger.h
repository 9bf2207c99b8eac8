/*
 * Who fills the mailboxes: the bytes of all of them together, of each sender and of each group of addresses in them, so that none of
 * these grows without bounds. A lock of its own, under which nothing else is locked; only payloads for absent recipients come here.
 */
#ifndef ACURAST_SERVICE_LEDGER_H
#define ACURAST_SERVICE_LEDGER_H

#include "base/idmap.h"
#include "net/address.h"
#include "service/backlog.h"

#include <pthread.h>

typedef struct acurast__ledger {
    pthread_mutex_t lock;
    uint64_t limit; /* bytes in all; 0: no limit */
    uint64_t total;
    uint64_t frames;
    acurast__idmap senders; /* id -> account */
    acurast__idmap groups;  /* address -> bytes, as a number in a pointer's place */
} acurast__ledger;

typedef enum acurast__ledger_verdict {
    ACURAST__LEDGER_GRANTED,
    ACURAST__LEDGER_TOTAL,
    ACURAST__LEDGER_SENDER, /* it has its share: the sender, or its group */
    ACURAST__LEDGER_NO_MEMORY
} acurast__ledger_verdict;

void acurast__ledger_init(acurast__ledger *ledger, uint64_t limit);
void acurast__ledger_clear(acurast__ledger *ledger);

/*
 * Charges one payload of `bytes` to its sender, who gets an eighth of the whole at most, and to its group, which gets half. What it
 * really takes, since buffers grow in steps, is added to the whole by acurast__ledger_hold().
 */
acurast__ledger_verdict acurast__ledger_charge(acurast__ledger *ledger, const acurast__backlog_sender *sender,
                                               uint64_t bytes);
void acurast__ledger_refund(acurast__ledger *ledger, const acurast__backlog_sender *sender, uint64_t bytes,
                            uint64_t frames);

/* Charges a group for an id that is remembered: false where the whole or the group's half is used up. */
bool acurast__ledger_reserve(acurast__ledger *ledger, const acurast__address *group, uint64_t bytes);
void acurast__ledger_release(acurast__ledger *ledger, const acurast__address *group, uint64_t bytes);

/* Memory that is held, whatever the limit says. */
void acurast__ledger_hold(acurast__ledger *ledger, uint64_t bytes);
void acurast__ledger_free(acurast__ledger *ledger, uint64_t bytes);

/* True where less than an eighth of the whole is left. */
bool acurast__ledger_short(acurast__ledger *ledger);

/* Who is to pay where it is short: of the group that holds most, the senders that hold at least half of what its largest does. */
typedef struct acurast__ledger_debtors {
    acurast__address group;
    uint64_t least;
} acurast__ledger_debtors;

/* False where nobody holds anything. */
bool acurast__ledger_find_debtors(acurast__ledger *ledger, acurast__ledger_debtors *debtors);
bool acurast__ledger_owes(acurast__ledger *ledger, const acurast__ledger_debtors *debtors,
                          const acurast__backlog_sender *sender);

void acurast__ledger_read(acurast__ledger *ledger, uint64_t *bytes, uint64_t *frames);

#endif
