/* What receipts, gones and lost connections do to sends with a level, without a loop: every outcome, and what is sent again. */
#include "support/unit.h"

#include "client/tracking.h"

#include <stdio.h>
#include <string.h>

static const uint8_t us[16] = {0xaa}, alice[16] = {1}, bob[16] = {2};

typedef struct ended {
    uint64_t number;
    acurast_status status;
    acurast_level reached;
} ended;

typedef struct world {
    acurast__outbox outbox;
    ended over[64];
    size_t count;
    size_t kept;
    uint64_t written;
} world;

static void on_over(acurast__outbox *outbox, acurast__operation *operation, acurast_status status)
{
    world *w = ACURAST__CONTAINER(outbox, world, outbox);
    assert_true(w->count < ARRAY_SIZE(w->over));
    w->over[w->count++] = (ended){operation->number, status, operation->reached};
    acurast__outbox_unreserve_bytes(outbox, operation->payload_size);
    acurast__outbox_unreserve_count(outbox, 1);
    acurast__operation_free(operation);
}

static void on_kept(acurast__outbox *outbox, acurast__operation *operation)
{
    (void)operation;
    ACURAST__CONTAINER(outbox, world, outbox)->kept++;
}

static void begin(world *w)
{
    memset(w, 0, sizeof *w);
    assert_int_equal(acurast__outbox_init(&w->outbox, 100, 100000, on_over), ACURAST_OK);
    w->outbox.kept = on_kept;
}

static void end(world *w)
{
    acurast__outbox_fail_all(&w->outbox, ACURAST_CLOSED);
    assert_int_equal(w->outbox.size, 0);
    assert_int_equal(w->outbox.pairs.count, 0);
    assert_int_equal(atomic_load(&w->outbox.count), 0);
    assert_int_equal(atomic_load(&w->outbox.bytes), 0);
    acurast__outbox_clear(&w->outbox);
}

static acurast__operation *add(world *w, uint64_t number, const uint8_t *recipient, acurast_level until)
{
    assert_int_equal(acurast__outbox_reserve(&w->outbox, 1, 3), ACURAST_OK);
    acurast__operation *made = until == ACURAST_LEVEL_WRITTEN
                                   ? acurast__operation_create(us, recipient, "abc", 3)
                                   : acurast__operation_create_tracked(us, recipient, "abc", 3, until);
    assert_non_null(made);
    made->number = number;
    acurast__outbox_accept(&w->outbox, made);
    return made;
}

/* Hands the first over; what its frame says comes back. */
static acurast__tracked fly(world *w)
{
    acurast__operation *operation = acurast__outbox_first(&w->outbox);
    assert_non_null(operation);
    acurast__outbox_stamp(&w->outbox, operation);
    w->written += operation->frame_size;
    acurast__outbox_flown(&w->outbox, operation, w->written);
    acurast__frame frame;
    acurast__tracked said = {0};
    assert_true(acurast__frame_decode(&frame, operation->frame, operation->frame_size));
    if (frame.type == ACURAST__FRAME_TRACKED) {
        assert_true(acurast__tracked_decode(&said, &frame));
        assert_memory_equal(said.run, w->outbox.run, 8);
        assert_memory_equal(said.payload, "abc", 3);
    }
    return said;
}

static acurast__tracked transmit(world *w)
{
    acurast__tracked said = fly(w);
    acurast__outbox_written(&w->outbox, w->written);
    return said;
}

static uint64_t receipt_of_run(world *w, const uint8_t *run, const uint8_t *from, uint64_t number, uint8_t status)
{
    uint8_t body[ACURAST__RUN_SIZE + ACURAST__RECEIPT_ITEM_SIZE];
    memcpy(body, run, ACURAST__RUN_SIZE);
    acurast__receipt_item(body + ACURAST__RUN_SIZE, number, (acurast__receipt_status)status);
    acurast__frame frame = {.sender = from, .recipient = us, .body = body, .body_size = sizeof body};
    return acurast__tracking_receipts(&w->outbox, &frame);
}

static void told(world *w, const uint8_t *from, uint64_t number, uint8_t status)
{
    assert_int_equal(receipt_of_run(w, w->outbox.run, from, number, status), 0);
}

static void foreign(world *w, const uint8_t *from, uint64_t number, uint8_t status)
{
    size_t before = w->count;
    assert_int_equal(receipt_of_run(w, w->outbox.run, from, number, status), 1);
    assert_int_equal(w->count, before);
}

static void assert_over(const world *w, size_t index, uint64_t number, acurast_status status)
{
    assert_true(index < w->count);
    assert_int_equal(w->over[index].number, number);
    assert_int_equal(w->over[index].status, status);
}

static void assert_said(acurast__tracked said, uint64_t number, uint64_t after, bool again)
{
    assert_int_equal(said.number, number);
    assert_int_equal(said.after, after);
    assert_int_equal(said.again, again);
}

static void service(world *w, uint64_t number, uint8_t status)
{
    told(w, acurast__id_service, number, status);
}

/* Each receipt of the service ends a send as it says, where there was one transmission. */
static void certain_failures(void **state)
{
    (void)state;
    static const struct {
        uint8_t receipt;
        acurast_status status;
    } rows[] = {
        {ACURAST__RECEIPT_NOT_HERE, ACURAST_NOT_HERE},           {ACURAST__RECEIPT_MAILBOX_FULL, ACURAST_MAILBOX_FULL},
        {ACURAST__RECEIPT_EXPIRED, ACURAST_MAILBOX_EXPIRED},     {ACURAST__RECEIPT_TOO_LARGE, ACURAST_TOO_LARGE},
        {ACURAST__RECEIPT_QUEUE_FULL, ACURAST_QUEUE_FULL},       {ACURAST__RECEIPT_NO_MEMORY, ACURAST_SERVICE_MEMORY},
        {ACURAST__RECEIPT_NOT_DELIVERED, ACURAST_NOT_DELIVERED}, {ACURAST__RECEIPT_UNKNOWN, ACURAST_UNDETERMINED}};
    world w;
    begin(&w);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        add(&w, i + 1, alice, i % 2 ? ACURAST_LEVEL_RELAYED : ACURAST_LEVEL_DELIVERED);
        assert_said(transmit(&w), i + 1, 0, false);
        service(&w, i + 1, rows[i].receipt);
        assert_over(&w, i, i + 1, rows[i].status);
    }
    end(&w);
}

static void levels(void **state)
{
    world w;
    (void)state;
    begin(&w);
    add(&w, 1, alice, ACURAST_LEVEL_DELIVERED);
    add(&w, 2, alice, ACURAST_LEVEL_RELAYED);
    add(&w, 3, alice, ACURAST_LEVEL_DELIVERED);
    add(&w, 4, bob, ACURAST_LEVEL_DELIVERED);
    assert_said(transmit(&w), 1, 0, false);
    assert_said(transmit(&w), 2, 0, false);
    assert_said(transmit(&w), 3, 1, false);
    assert_said(transmit(&w), 4, 0, false);
    assert_int_equal(w.count, 0);
    service(&w, 2, ACURAST__RECEIPT_RELAYED);
    told(&w, alice, 1, ACURAST__RECEIPT_DELIVERED);
    service(&w, 3, ACURAST__RECEIPT_RELAYED); /* a recipient that cannot say more */
    told(&w, bob, 4, ACURAST__RECEIPT_DELIVERED);
    static const ended expected[] = {{2, ACURAST_OK, ACURAST_LEVEL_RELAYED},
                                     {1, ACURAST_OK, ACURAST_LEVEL_DELIVERED},
                                     {3, ACURAST_OK, ACURAST_LEVEL_RELAYED},
                                     {4, ACURAST_OK, ACURAST_LEVEL_DELIVERED}};
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        assert_over(&w, i, expected[i].number, expected[i].status);
        assert_int_equal(w.over[i].reached, expected[i].reached);
    }
    end(&w);
}

static void nobody_else_is_believed(void **state)
{
    world w;
    (void)state;
    begin(&w);
    add(&w, 1, alice, ACURAST_LEVEL_DELIVERED);
    add(&w, 2, alice, ACURAST_LEVEL_DELIVERED);
    transmit(&w);
    uint8_t other[8] = {9};
    assert_int_equal(receipt_of_run(&w, other, alice, 1, ACURAST__RECEIPT_DELIVERED), 1);
    foreign(&w, bob, 1, ACURAST__RECEIPT_DELIVERED);
    foreign(&w, acurast__id_service, 1, ACURAST__RECEIPT_DELIVERED);
    foreign(&w, acurast__id_service, 1, ACURAST__RECEIPT_EARLY);
    foreign(&w, acurast__id_service, 1, 99);
    foreign(&w, alice, 1, ACURAST__RECEIPT_RELAYED);
    foreign(&w, alice, 1, ACURAST__RECEIPT_NOT_HERE);
    foreign(&w, alice, 2, ACURAST__RECEIPT_DELIVERED); /* not sent yet */
    foreign(&w, alice, 3, ACURAST__RECEIPT_DELIVERED); /* never */
    told(&w, alice, 1, ACURAST__RECEIPT_DELIVERED);
    told(&w, alice, 1, ACURAST__RECEIPT_DELIVERED); /* twice does not matter */
    assert_int_equal(w.count, 1);
    acurast__frame empty = {.sender = alice, .recipient = us, .body = other, .body_size = 8};
    assert_int_equal(acurast__tracking_receipts(&w.outbox, &empty), 1);
    end(&w);
    assert_over(&w, 1, 2, ACURAST_CLOSED); /* certain: it was never sent */
}

static void lost_and_sent_again(void **state)
{
    world w;
    (void)state;
    begin(&w);
    add(&w, 1, alice, ACURAST_LEVEL_DELIVERED);
    add(&w, 2, bob, ACURAST_LEVEL_WRITTEN);
    add(&w, 3, alice, ACURAST_LEVEL_DELIVERED);
    add(&w, 4, alice, ACURAST_LEVEL_DELIVERED);
    add(&w, 5, alice, ACURAST_LEVEL_DELIVERED);
    transmit(&w);
    transmit(&w);
    assert_over(&w, 0, 2, ACURAST_OK);
    transmit(&w);
    uint64_t before = w.written;
    fly(&w); /* not a byte of it is written */
    acurast__outbox_lost(&w.outbox, before, false);
    assert_said(transmit(&w), 1, 0, true);
    assert_said(transmit(&w), 3, 1, true);
    assert_said(transmit(&w), 4, 3, false);
    assert_said(transmit(&w), 5, 4, false);
    service(&w, 1, ACURAST__RECEIPT_NOT_HERE);
    assert_over(&w, 1, 1, ACURAST_UNDETERMINED); /* the first time may have been delivered */
    service(&w, 4, ACURAST__RECEIPT_NOT_HERE);
    assert_over(&w, 2, 4, ACURAST_NOT_HERE);
    told(&w, alice, 3, ACURAST__RECEIPT_DELIVERED);
    assert_over(&w, 3, 3, ACURAST_OK);
    end(&w);
    assert_over(&w, 4, 5, ACURAST_UNDETERMINED);
}

static void gone_is_sent_again_in_order(void **state)
{
    world w;
    (void)state;
    begin(&w);
    for (uint64_t number = 1; number <= 4; number++)
        add(&w, number, alice, ACURAST_LEVEL_DELIVERED);
    add(&w, 5, bob, ACURAST_LEVEL_DELIVERED);
    add(&w, 6, alice, ACURAST_LEVEL_RELAYED);
    transmit(&w);
    transmit(&w);
    fly(&w); /* 3 is in the websocket */
    acurast__tracking_gone(&w.outbox, alice, false);
    acurast__outbox_written(&w.outbox, w.written);
    assert_said(transmit(&w), 1, 0, true);
    assert_said(transmit(&w), 2, 1, true);
    assert_said(transmit(&w), 3, 2, true);
    assert_said(transmit(&w), 4, 3, false);
    assert_said(transmit(&w), 5, 0, false);
    assert_said(transmit(&w), 6, 0, false);
    acurast__tracking_gone(&w.outbox, us, false); /* nobody */
    service(&w, 1, ACURAST__RECEIPT_NOT_HERE);
    assert_over(&w, 0, 1, ACURAST_UNDETERMINED);
    service(&w, 4, ACURAST__RECEIPT_NOT_HERE);
    assert_over(&w, 1, 4, ACURAST_NOT_HERE);
    end(&w);
}

static void early_is_sent_again(void **state)
{
    world w;
    (void)state;
    begin(&w);
    add(&w, 1, alice, ACURAST_LEVEL_DELIVERED);
    add(&w, 2, alice, ACURAST_LEVEL_DELIVERED);
    transmit(&w);
    transmit(&w);
    told(&w, alice, 2, ACURAST__RECEIPT_EARLY);
    assert_said(transmit(&w), 2, 1, false); /* it was certainly not delivered */
    service(&w, 1, ACURAST__RECEIPT_QUEUE_FULL);
    told(&w, alice, 2, ACURAST__RECEIPT_EARLY);
    assert_said(transmit(&w), 2, 0, false);
    told(&w, alice, 2, ACURAST__RECEIPT_EARLY); /* it is the first: nobody may say so */
    assert_over(&w, 1, 2, ACURAST_UNDETERMINED);
    end(&w);
}

static size_t transmit_all(world *w)
{
    size_t sent = 0;
    for (; acurast__outbox_first(&w->outbox); sent++)
        transmit(w);
    return sent;
}

/* Nobody tells that the recipient is another program now, which has not got what was sent to the one before. */
static void early_again_sends_those_before_as_well(void **state)
{
    world w;
    (void)state;
    begin(&w);
    for (uint64_t number = 1; number <= 4; number++)
        add(&w, number, alice, ACURAST_LEVEL_DELIVERED);
    add(&w, 5, bob, ACURAST_LEVEL_DELIVERED);
    transmit_all(&w);
    told(&w, alice, 4, ACURAST__RECEIPT_EARLY);
    assert_said(transmit(&w), 4, 3, false); /* a word on 3 may have been on its way */
    assert_null(acurast__outbox_first(&w.outbox));
    told(&w, alice, 4, ACURAST__RECEIPT_EARLY);
    assert_said(transmit(&w), 1, 0, true);
    assert_said(transmit(&w), 2, 1, true);
    assert_said(transmit(&w), 3, 2, true);
    assert_said(transmit(&w), 4, 3, false);
    assert_null(acurast__outbox_first(&w.outbox));
    for (uint64_t number = 1; number <= 4; number++) {
        told(&w, alice, number, ACURAST__RECEIPT_DELIVERED);
        assert_over(&w, number - 1, number, ACURAST_OK);
    }
    end(&w);
}

/* Each of many that are said to be early has another sent again: that is sent no more often than one of them. */
static void early_for_ever_ends(void **state)
{
    world w;
    size_t sent = 0;
    (void)state;
    begin(&w);
    add(&w, 1, alice, ACURAST_LEVEL_DELIVERED);
    for (uint64_t number = 2; number <= 10; number++) {
        add(&w, number, alice, ACURAST_LEVEL_DELIVERED);
        for (size_t turn = 0; w.count < number - 1 && turn < 100; turn++) {
            sent += transmit_all(&w);
            told(&w, alice, number, ACURAST__RECEIPT_EARLY);
        }
        assert_over(&w, number - 2, number, ACURAST_UNDETERMINED);
    }
    assert_in_range(sent, 10 * 16, 10 * 17);
    assert_int_equal(w.outbox.size, 1);
    end(&w);
}

/* A request that went out without a number, to a service without receipts: its recipient does not know of it. */
static void what_was_sent_without_receipts_is_before_nothing_and_not_sent_again(void **state)
{
    world w;
    (void)state;
    begin(&w);
    acurast__operation *request = add(&w, 1, alice, ACURAST_LEVEL_DELIVERED);
    request->asks = true;
    transmit(&w);
    request->plain = true;
    acurast__outbox_lost(&w.outbox, w.written, false);
    add(&w, 2, alice, ACURAST_LEVEL_DELIVERED);
    assert_said(transmit(&w), 2, 0, false);
    acurast__tracking_gone(&w.outbox, alice, true);
    assert_said(transmit(&w), 2, 0, true);
    assert_null(acurast__outbox_first(&w.outbox));
    end(&w);
}

static void kept(void **state)
{
    world w;
    (void)state;
    begin(&w);
    add(&w, 1, alice, ACURAST_LEVEL_DELIVERED);
    transmit(&w);
    service(&w, 1, ACURAST__RECEIPT_KEPT);
    assert_int_equal(w.kept, 1);
    acurast__tracking_gone(&w.outbox, alice, true);
    assert_said(transmit(&w), 1, 0, true);
    service(&w, 1, ACURAST__RECEIPT_KEPT);
    service(&w, 1, ACURAST__RECEIPT_MAILBOX_FULL); /* of a third: a copy waits all the same */
    assert_int_equal(w.count, 0);
    told(&w, alice, 1, ACURAST__RECEIPT_DELIVERED);
    assert_over(&w, 0, 1, ACURAST_OK);
    add(&w, 2, alice, ACURAST_LEVEL_DELIVERED);
    transmit(&w);
    service(&w, 2, ACURAST__RECEIPT_KEPT);
    service(&w, 2, ACURAST__RECEIPT_EXPIRED);
    assert_over(&w, 1, 2, ACURAST_MAILBOX_EXPIRED);
    add(&w, 3, alice, ACURAST_LEVEL_DELIVERED);
    transmit(&w);
    service(&w, 3, ACURAST__RECEIPT_KEPT);
    service(&w, 3, ACURAST__RECEIPT_MAILBOX_FULL); /* its only copy made room for others */
    assert_over(&w, 2, 3, ACURAST_MAILBOX_FULL);
    end(&w);
}

/* A service that drains has not passed it on: it goes over the next connection, and is as certain as before. */
static void draining(void **state)
{
    world w;
    (void)state;
    begin(&w);
    add(&w, 1, alice, ACURAST_LEVEL_DELIVERED);
    transmit(&w);
    service(&w, 1, ACURAST__RECEIPT_DRAINING);
    assert_null(acurast__outbox_first(&w.outbox));
    acurast__outbox_lost(&w.outbox, w.written, false);
    assert_said(transmit(&w), 1, 0, false);
    service(&w, 1, ACURAST__RECEIPT_NOT_HERE);
    assert_over(&w, 0, 1, ACURAST_NOT_HERE);
    end(&w);
}

static void cancelled(void **state)
{
    world w;
    (void)state;
    begin(&w);
    for (uint64_t number = 1; number <= 3; number++)
        add(&w, number, alice, ACURAST_LEVEL_DELIVERED);
    acurast__outbox_cancel(&w.outbox, 3);
    assert_over(&w, 0, 3, ACURAST_CANCELLED);
    transmit(&w);
    acurast__outbox_cancel(&w.outbox, 1);
    assert_over(&w, 1, 1, ACURAST_UNDETERMINED);
    fly(&w);
    acurast__outbox_cancel(&w.outbox, 2);
    assert_int_equal(w.count, 2);
    acurast__outbox_written(&w.outbox, w.written);
    assert_over(&w, 2, 2, ACURAST_UNDETERMINED);
    end(&w);
}

static void looks(void **state)
{
    world w;
    uint8_t ids[32] = {1}, body[ACURAST__TOKEN_SIZE + 2 * ACURAST__SEEN_ITEM_SIZE] = {0, 0, 0, 7, 1};
    (void)state;
    begin(&w);
    assert_int_equal(acurast__outbox_reserve(&w.outbox, 1, sizeof ids), ACURAST_OK);
    acurast__operation *look = acurast__operation_create_look(us, ids, 2);
    look->number = (UINT64_C(5) << 32) + 7;
    acurast__outbox_accept(&w.outbox, look);
    acurast__frame frame = {.body = body, .body_size = sizeof body};
    acurast__items seen;
    assert_true(acurast__seen_decode(&seen, &frame));
    assert_false(acurast__tracking_seen(&w.outbox, &seen)); /* not asked yet */
    transmit(&w);
    assert_memory_equal(look->frame + ACURAST__HEADER_SIZE, "\0\0\0\7", 4);
    acurast__outbox_lost(&w.outbox, w.written, false);
    transmit(&w);
    seen.count = 1;
    assert_false(acurast__tracking_seen(&w.outbox, &seen)); /* another number of answers */
    seen.count = 2;
    acurast__operation_seen(look, &seen);
    acurast_seen found[2];
    memcpy(found, look->frame, sizeof found);
    assert_memory_equal(found[0].id, ids, 16);
    assert_memory_equal(found[1].id, ids + 16, 16);
    assert_int_equal(found[0].presence, ACURAST_PRESENCE_HERE);
    assert_int_equal(found[0].public_key[0], 0); /* it is not the key of that id */
    assert_true(acurast__tracking_seen(&w.outbox, &seen));
    assert_over(&w, 0, (UINT64_C(5) << 32) + 7, ACURAST_OK);
    assert_false(acurast__tracking_seen(&w.outbox, &seen));
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certain_failures),
        cmocka_unit_test(levels),
        cmocka_unit_test(nobody_else_is_believed),
        cmocka_unit_test(lost_and_sent_again),
        cmocka_unit_test(gone_is_sent_again_in_order),
        cmocka_unit_test(early_is_sent_again),
        cmocka_unit_test(early_again_sends_those_before_as_well),
        cmocka_unit_test(early_for_ever_ends),
        cmocka_unit_test(what_was_sent_without_receipts_is_before_nothing_and_not_sent_again),
        cmocka_unit_test(kept),
        cmocka_unit_test(draining),
        cmocka_unit_test(cancelled),
        cmocka_unit_test(looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
