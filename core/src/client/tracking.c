/*
 * A receipt that fails a transmission ends the operation only where nothing else of it is under way. Two are no failures: EARLY, which
 * says that it has to be sent again in order, and DRAINING, after which it waits for the next connection.
 *
 * Where the first EARLY does not help, the recipient is another program than the one that was sent what comes before it, or that was lost:
 * nobody tells of it where presence is hidden. So that is sent again as well.
 */
#include "client/tracking.h"

#include "base/bytes.h"
#include "client/pair.h"

#include <string.h>

/* One that comes before its turn more often than this has a recipient that does not keep the rules. */
#define BOUNCES_MAX 16

static acurast_status status_of(uint8_t receipt)
{
    switch (receipt) {
    case ACURAST__RECEIPT_NOT_HERE:
        return ACURAST_NOT_HERE;
    case ACURAST__RECEIPT_MAILBOX_FULL:
        return ACURAST_MAILBOX_FULL;
    case ACURAST__RECEIPT_EXPIRED:
        return ACURAST_MAILBOX_EXPIRED;
    case ACURAST__RECEIPT_TOO_LARGE:
        return ACURAST_TOO_LARGE;
    case ACURAST__RECEIPT_QUEUE_FULL:
        return ACURAST_QUEUE_FULL;
    case ACURAST__RECEIPT_NO_MEMORY:
        return ACURAST_SERVICE_MEMORY;
    default:
        return ACURAST_NOT_DELIVERED;
    }
}

static void answered(acurast__operation *operation)
{
    if (operation->live)
        operation->live--;
}

/* A request goes on: its answer is still to come. */
static void succeed(acurast__outbox *outbox, acurast__operation *operation, acurast_level level)
{
    operation->reached = level;
    if (!operation->asks) {
        acurast__outbox_end(outbox, operation, ACURAST_OK);
        return;
    }
    operation->delivered = true;
    acurast__outbox_await(outbox, operation);
}

/* It was sent again, and whether it was delivered before is not known. */
static void forget(acurast__outbox *outbox, acurast__operation *operation)
{
    if (!operation->retry) {
        acurast__outbox_end(outbox, operation, ACURAST_UNDETERMINED);
        return;
    }
    operation->live = 0;
    operation->maybe = false; /* so that it is sent as if it were new */
    acurast__outbox_requeue(outbox, operation);
}

/* Where another copy may wait in a mailbox, or is under way, it is too soon to tell. */
static void fail(acurast__outbox *outbox, acurast__operation *operation, uint8_t receipt)
{
    answered(operation);
    if (receipt == ACURAST__RECEIPT_EXPIRED)
        operation->kept = false;
    if ((operation->kept && operation->maybe) || (operation->live && !operation->maybe))
        return;
    acurast__outbox_end(outbox, operation, status_of(receipt));
}

/* Those before it to the same recipient, back to one that is under way by itself; each no more often than it may come before its turn. */
static void send_those_before(acurast__outbox *outbox, acurast__operation *operation)
{
    acurast__pair *pair = operation->pair;
    for (acurast__list *link = operation->in_pair.prev; pair && link != &pair->operations; link = link->prev) {
        acurast__operation *before = ACURAST__CONTAINER(link, acurast__operation, in_pair);
        if (acurast__operation_only_waits(before))
            continue;
        if (before->place != ACURAST__PLACE_AWAITING || before->bounces >= BOUNCES_MAX)
            return;
        before->bounces++;
        acurast__outbox_requeue(outbox, before);
    }
}

/* It was given up for another; whoever says so of the first has not kept the rules. */
static void bounce(acurast__outbox *outbox, acurast__operation *operation)
{
    answered(operation);
    if (operation->place != ACURAST__PLACE_AWAITING || operation->live)
        return;
    if (!operation->after || operation->bounces >= BOUNCES_MAX) {
        acurast__outbox_end(outbox, operation, ACURAST_UNDETERMINED);
        return;
    }
    if (operation->bounces++)
        send_those_before(outbox, operation);
    acurast__outbox_requeue(outbox, operation);
}

static void keep(acurast__outbox *outbox, acurast__operation *operation)
{
    operation->kept = true;
    if (outbox->kept)
        outbox->kept(outbox, operation);
}

/* False where the recipient may not say so. */
static bool take_from_recipient(acurast__outbox *outbox, acurast__operation *operation, uint8_t receipt)
{
    switch (receipt) {
    case ACURAST__RECEIPT_DELIVERED:
        succeed(outbox, operation, ACURAST_LEVEL_DELIVERED);
        return true;
    case ACURAST__RECEIPT_UNKNOWN:
        forget(outbox, operation);
        return true;
    case ACURAST__RECEIPT_TOO_LARGE:
        fail(outbox, operation, receipt);
        return true;
    case ACURAST__RECEIPT_EARLY:
        bounce(outbox, operation);
        return true;
    default:
        return false;
    }
}

static bool take_from_service(acurast__outbox *outbox, acurast__operation *operation, uint8_t receipt)
{
    switch (receipt) {
    case ACURAST__RECEIPT_RELAYED:
        succeed(outbox, operation, ACURAST_LEVEL_RELAYED);
        return true;
    case ACURAST__RECEIPT_KEPT:
        keep(outbox, operation);
        return true;
    case ACURAST__RECEIPT_DRAINING:
        answered(operation);
        return true;
    case ACURAST__RECEIPT_UNKNOWN:
        forget(outbox, operation);
        return true;
    default:
        if (receipt < ACURAST__RECEIPT_NOT_HERE || receipt > ACURAST__RECEIPT_NOT_DELIVERED)
            return false;
        fail(outbox, operation, receipt);
        return true;
    }
}

/* What was not sent yet, on any connection, cannot have a receipt. */
static bool is_open(const acurast__operation *operation)
{
    return operation->kind == ACURAST__OPERATION_TRACKED &&
           (operation->live || operation->maybe || operation->place == ACURAST__PLACE_AWAITING);
}

static bool take_receipt(acurast__outbox *outbox, const uint8_t *from, uint64_t number, uint8_t receipt)
{
    acurast__operation *operation = acurast__outbox_find(outbox, number, UINT64_MAX);
    if (!operation || operation->delivered)
        return number <= outbox->highest; /* it is over: by an answer, by its time, or it is told twice */
    if (!is_open(operation))
        return false;
    if (acurast__id_equal(from, acurast__id_service))
        return take_from_service(outbox, operation, receipt);
    return acurast__id_equal(from, operation->recipient) && take_from_recipient(outbox, operation, receipt);
}

uint64_t acurast__tracking_receipts(acurast__outbox *outbox, const acurast__frame *frame)
{
    acurast__receipts receipts;
    uint64_t foreign = 0, number;
    uint8_t status;
    if (!acurast__receipts_decode(&receipts, frame))
        return 1;
    if (memcmp(receipts.run, outbox->run, sizeof outbox->run) != 0)
        return receipts.count;
    for (size_t i = 0; i < receipts.count; i++) {
        acurast__receipts_at(&receipts, i, &number, &status);
        foreign += !take_receipt(outbox, frame->sender, number, status);
    }
    return foreign;
}

/* What flies will be written all the same, so that it counts as sent. */
static void send_again(acurast__outbox *outbox, acurast__operation *operation)
{
    if (operation->place == ACURAST__PLACE_QUEUED || acurast__operation_only_waits(operation))
        return;
    operation->maybe = operation->maybe || operation->place == ACURAST__PLACE_FLYING;
    acurast__outbox_requeue(outbox, operation);
}

/* The pair goes with its last operation. */
static void end_delivered(acurast__outbox *outbox, const uint8_t id[16])
{
    acurast__pair *pair = acurast__pair_find(&outbox->pairs, id);
    for (acurast__list *link = pair ? pair->operations.next : NULL, *next; pair && link != &pair->operations;
         link = next) {
        acurast__operation *operation = ACURAST__CONTAINER(link, acurast__operation, in_pair);
        bool last = link->next == &pair->operations;
        next = link->next;
        if (operation->delivered)
            acurast__outbox_end(outbox, operation, ACURAST_UNDETERMINED);
        if (last)
            return;
    }
}

void acurast__tracking_gone(acurast__outbox *outbox, const uint8_t id[16], bool replaced)
{
    acurast__pair *pair = acurast__pair_find(&outbox->pairs, id);
    if (!pair)
        return;
    for (acurast__list *link = pair->operations.prev; link != &pair->operations; link = link->prev)
        send_again(outbox, ACURAST__CONTAINER(link, acurast__operation, in_pair));
    if (!replaced)
        end_delivered(outbox, id);
}

bool acurast__tracking_seen(acurast__outbox *outbox, const acurast__items *seen)
{
    uint64_t token = 0;
    for (size_t i = 0; i < ACURAST__TOKEN_SIZE; i++)
        token = token << 8 | seen->token[i];
    acurast__operation *operation = acurast__outbox_find(outbox, token, UINT32_MAX);
    if (!operation || operation->kind != ACURAST__OPERATION_LOOK || operation->place != ACURAST__PLACE_AWAITING ||
        seen->count != operation->payload_size / 16)
        return false;
    acurast__operation_seen(operation, seen);
    acurast__outbox_end(outbox, operation, ACURAST_OK);
    return true;
}
