/*
 * What the service and recipients say about calls that await it: receipts, who is gone, who was seen. All of it is a stranger's word:
 * the service is believed about what it did, a recipient about what was sent to it, and nobody about anything else.
 */
#ifndef ACURAST_CLIENT_TRACKING_H
#define ACURAST_CLIENT_TRACKING_H

#include "client/outbox.h"

/* A receipt frame; returns how many of its items mean nothing here. */
uint64_t acurast__tracking_receipts(acurast__outbox *outbox, const acurast__frame *frame);

/*
 * `id` has left: what is open for it is sent again, in order. A request that it had will not be answered, unless it was `replaced`: a newer
 * connection of its key may be of the same program.
 */
void acurast__tracking_gone(acurast__outbox *outbox, const uint8_t id[16], bool replaced);

/* The answer to a look; false where nobody asked. */
bool acurast__tracking_seen(acurast__outbox *outbox, const acurast__items *seen);

#endif
