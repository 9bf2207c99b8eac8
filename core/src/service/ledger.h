/*
 * Who fills the mailboxes: the bytes of all of them together, and of each sender in them, so that neither grows without
 * bounds. A lock of its own, under which nothing else is locked; only payloads for absent recipients come here.
 */
#ifndef ACURAST_SERVICE_LEDGER_H
#define ACURAST_SERVICE_LEDGER_H

#include "base/idmap.h"

#include <pthread.h>

typedef struct acurast__ledger {
    pthread_mutex_t lock;
    uint64_t limit; /* bytes in all; 0: no limit */
    uint64_t total;
    uint64_t frames;
    acurast__idmap senders; /* id -> bytes, as a number in a pointer's place */
} acurast__ledger;

typedef enum acurast__ledger_verdict {
    ACURAST__LEDGER_GRANTED,
    ACURAST__LEDGER_TOTAL,
    ACURAST__LEDGER_SENDER,
    ACURAST__LEDGER_NO_MEMORY
} acurast__ledger_verdict;

void acurast__ledger_init(acurast__ledger *ledger, uint64_t limit);
void acurast__ledger_clear(acurast__ledger *ledger);

/*
 * Charges one payload of `bytes` to its sender, who gets an eighth of the whole at most. What it really takes, since buffers grow in
 * steps, is added to the whole by acurast__ledger_hold().
 */
acurast__ledger_verdict acurast__ledger_charge(acurast__ledger *ledger, const uint8_t sender[16], uint64_t bytes);
void acurast__ledger_refund(acurast__ledger *ledger, const uint8_t sender[16], uint64_t bytes);

/* Memory that is held: as far as the limit allows (false if not), or whatever the limit says. */
bool acurast__ledger_reserve(acurast__ledger *ledger, uint64_t bytes);
void acurast__ledger_hold(acurast__ledger *ledger, uint64_t bytes);
void acurast__ledger_free(acurast__ledger *ledger, uint64_t bytes);

void acurast__ledger_read(acurast__ledger *ledger, uint64_t *bytes, uint64_t *frames);

#endif
