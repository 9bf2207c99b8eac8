/*
 * The mailbox of an id: what the backlog of its entry is while nobody holds it.
 *
 *            acurast__mailbox_open(), where mailboxes are on and the ledger has room
 *   (none) -------------------------------------------------------------------------> OPEN: inherits what the last holder
 *     ^                                                                                |    did not get, takes and collects
 *     +------------------------------ acurast__mailbox_take() -------------------------+
 *
 * Two limits: an entry's own, of frames and of bytes, and those of all mailboxes together, which are the ledger's. Each frame is charged
 * to its sender when it is put in, and refunded when it comes out. The entry itself is charged to the address that has left.
 *
 * When it opens and when its time is over is the directory's affair. All of this is called with the lock of the entry's part held.
 */
#ifndef ACURAST_SERVICE_MAILBOX_H
#define ACURAST_SERVICE_MAILBOX_H

#include "service/directory.h"

/* The entry has no holder any more: it has a mailbox until `expires` where that is true, else none. */
bool acurast__mailbox_open(acurast__entry *entry, uint64_t now);

/*
 * What the last holder did not get, emptied: into the mailbox, or dropped where there is none; `why`, where there are no mailboxes at
 * all. Whose it was is known, but not from which address: it is on the account of the address that has left.
 */
void acurast__mailbox_inherit(acurast__entry *entry, acurast__chain *waiting, acurast__drop why,
                              acurast__tidings *tidings);

/* A payload, tracked or not, of a sender in `group`. Counts what becomes of it, and notes it for the sender of a tracked one. */
void acurast__mailbox_put(acurast__entry *entry, const acurast__address *group, const uint8_t *bytes, size_t size,
                          acurast__tidings *tidings);

/* Takes all out of it, and its charges back; there is none afterwards. Nothing where there was none. */
void acurast__mailbox_take(acurast__entry *entry, acurast__chain *chain);

/* Drops what the debtors of the directory have in it. */
void acurast__mailbox_collect(acurast__entry *entry, acurast__tidings *tidings);

#endif
