/* The outbox without a loop: order, limits, what is written, what returns, what is cancelled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "client/outbox.h"
#include "wire/frame.h"

#include <stdio.h>
#include <string.h>

#define MAX_OVER 20000

static uint64_t over_numbers[MAX_OVER];
static acurast_status over_status[MAX_OVER];
static size_t over_count;

static void on_over(acurast__outbox *outbox, acurast__operation *operation, acurast_status status)
{
    assert_true(over_count < MAX_OVER);
    over_numbers[over_count] = operation->number;
    over_status[over_count++] = status;
    acurast__outbox_unreserve_bytes(outbox, operation->payload_size);
    acurast__outbox_unreserve_count(outbox, 1);
    acurast__operation_free(operation);
}

static void make(acurast__outbox *outbox, size_t count, size_t bytes)
{
    over_count = 0;
    assert_int_equal(acurast__outbox_init(outbox, count, bytes, on_over), ACURAST_OK);
}

static void finish(acurast__outbox *outbox)
{
    acurast__outbox_fail_all(outbox, ACURAST_CLOSED);
    assert_int_equal(outbox->size, 0);
    assert_int_equal(atomic_load(&outbox->count), 0);
    assert_int_equal(atomic_load(&outbox->bytes), 0);
    acurast__outbox_clear(outbox);
}

static void add(acurast__outbox *outbox, uint64_t number, size_t size)
{
    static const uint8_t id[16] = {1};
    static const uint8_t payload[4096];
    assert_int_equal(acurast__outbox_reserve(outbox, 1, size), ACURAST_OK);
    acurast__operation *operation = acurast__operation_create(id, id, payload, size);
    assert_non_null(operation);
    operation->number = number;
    acurast__outbox_accept(outbox, operation);
}

/* Hands the first over as a websocket would number its bytes; returns its end. */
static uint64_t fly(acurast__outbox *outbox, uint64_t start)
{
    acurast__operation *operation = acurast__outbox_first(outbox);
    uint64_t end = start + operation->payload_size + 40;
    acurast__outbox_flown(outbox, operation, end);
    return end;
}

static void assert_over(size_t index, uint64_t number, acurast_status status)
{
    assert_true(index < over_count);
    assert_int_equal(over_numbers[index], number);
    assert_int_equal(over_status[index], status);
}

static void assert_queue(acurast__outbox *outbox, const char *numbers)
{
    char text[256] = "";
    for (acurast__list *link = outbox->queued.next; link != &outbox->queued; link = link->next) {
        size_t size = strlen(text);
        snprintf(text + size, sizeof text - size, "%u ",
                 (unsigned)ACURAST__CONTAINER(link, acurast__operation, link)->number);
    }
    assert_string_equal(text, numbers);
}

static void test_limits(void **state)
{
    acurast__outbox outbox;
    (void)state;
    make(&outbox, 4, 100);
    add(&outbox, 1, 60);
    assert_int_equal(acurast__outbox_reserve(&outbox, 1, 41), ACURAST_OUTBOX_FULL);
    add(&outbox, 2, 40);
    assert_int_equal(acurast__outbox_reserve(&outbox, 1, 1), ACURAST_OUTBOX_FULL);
    add(&outbox, 3, 0);
    add(&outbox, 4, 0);
    assert_int_equal(acurast__outbox_reserve(&outbox, 1, 0), ACURAST_OUTBOX_FULL);
    assert_false(acurast__outbox_half_empty(&outbox, 0));
    acurast__outbox_cancel(&outbox, 1);
    assert_false(acurast__outbox_half_empty(&outbox, 0));
    acurast__outbox_cancel(&outbox, 3);
    assert_true(acurast__outbox_half_empty(&outbox, 0));
    assert_true(acurast__outbox_half_empty(&outbox, 60));
    assert_false(acurast__outbox_half_empty(&outbox, 61));
    acurast__outbox_cancel(&outbox, 2);
    assert_true(acurast__outbox_half_empty(&outbox, 4000));
    finish(&outbox);
}

static void test_empty_outbox_takes_any_size(void **state)
{
    acurast__outbox outbox;
    (void)state;
    make(&outbox, 4, 10);
    add(&outbox, 1, 4000);
    assert_int_equal(acurast__outbox_reserve(&outbox, 1, 1), ACURAST_OUTBOX_FULL);
    finish(&outbox);
}

static void test_written_in_order(void **state)
{
    acurast__outbox outbox;
    (void)state;
    make(&outbox, 10, 10000);
    uint64_t end = 0, ends[4];
    for (uint64_t i = 1; i <= 3; i++)
        add(&outbox, i, 100);
    for (int i = 1; i <= 3; i++)
        ends[i] = end = fly(&outbox, end);
    acurast__outbox_written(&outbox, ends[1] - 1);
    assert_int_equal(over_count, 0);
    acurast__outbox_written(&outbox, ends[2]);
    assert_int_equal(over_count, 2);
    assert_over(0, 1, ACURAST_OK);
    assert_over(1, 2, ACURAST_OK);
    finish(&outbox);
    assert_over(2, 3, ACURAST_CLOSED);
}

static void test_lost_returns_what_is_not_written(void **state)
{
    acurast__outbox outbox;
    (void)state;
    make(&outbox, 10, 10000);
    for (uint64_t i = 1; i <= 5; i++)
        add(&outbox, i, 100);
    uint64_t first = fly(&outbox, 0);
    fly(&outbox, fly(&outbox, first));
    acurast__outbox_lost(&outbox, first + 10, false);
    assert_int_equal(over_count, 1);
    assert_over(0, 1, ACURAST_OK);
    assert_queue(&outbox, "2 3 4 5 ");
    finish(&outbox);
}

static void test_cancel_queued(void **state)
{
    acurast__outbox outbox;
    (void)state;
    make(&outbox, 10, 10000);
    for (uint64_t i = 1; i <= 3; i++)
        add(&outbox, i, 1);
    acurast__outbox_cancel(&outbox, 2);
    acurast__outbox_cancel(&outbox, 2);
    acurast__outbox_cancel(&outbox, 77);
    assert_int_equal(over_count, 1);
    assert_over(0, 2, ACURAST_CANCELLED);
    assert_queue(&outbox, "1 3 ");
    finish(&outbox);
}

static void test_cancel_flying_counts_if_lost(void **state)
{
    acurast__outbox outbox;
    (void)state;
    make(&outbox, 10, 10000);
    for (uint64_t i = 1; i <= 3; i++)
        add(&outbox, i, 100);
    uint64_t end = fly(&outbox, 0);
    fly(&outbox, end);
    acurast__outbox_cancel(&outbox, 1);
    acurast__outbox_cancel(&outbox, 2);
    assert_int_equal(over_count, 0);
    acurast__outbox_written(&outbox, end);
    assert_over(0, 1, ACURAST_OK);
    acurast__outbox_lost(&outbox, end, false);
    assert_over(1, 2, ACURAST_CANCELLED);
    assert_queue(&outbox, "3 ");
    finish(&outbox);
}

static void test_too_large_is_the_one_being_written(void **state)
{
    acurast__outbox outbox;
    (void)state;
    make(&outbox, 10, 100000);
    add(&outbox, 1, 10);
    add(&outbox, 2, 4000);
    add(&outbox, 3, 10);
    uint64_t end = fly(&outbox, 0);
    fly(&outbox, fly(&outbox, end));
    acurast__outbox_lost(&outbox, end + 100, true);
    assert_over(0, 1, ACURAST_OK);
    assert_over(1, 2, ACURAST_TOO_LARGE);
    assert_queue(&outbox, "3 ");
    finish(&outbox);
}

static void test_too_large_was_written_already(void **state)
{
    acurast__outbox outbox;
    (void)state;
    make(&outbox, 10, 100000);
    add(&outbox, 1, 4000);
    add(&outbox, 2, 10);
    uint64_t end = fly(&outbox, 0);
    fly(&outbox, end);
    acurast__outbox_lost(&outbox, end + 1, true);
    assert_int_equal(over_count, 1);
    assert_over(0, 1, ACURAST_OK);
    assert_queue(&outbox, "2 ");
    finish(&outbox);
}

static void test_too_large_was_written_past_the_outbox(void **state)
{
    acurast__outbox outbox;
    (void)state;
    make(&outbox, 10, 100000);
    acurast__outbox_wrote(&outbox, 4000);
    add(&outbox, 1, 10);
    fly(&outbox, 0);
    acurast__outbox_lost(&outbox, 1, true);
    assert_int_equal(over_count, 0);
    assert_queue(&outbox, "1 ");
    finish(&outbox);
}

static void test_many_in_the_table(void **state)
{
    acurast__outbox outbox;
    (void)state;
    make(&outbox, MAX_OVER, SIZE_MAX);
    for (uint64_t i = 1; i <= 10000; i++)
        add(&outbox, i, 0);
    assert_true(outbox.bucket_count >= 8192);
    for (uint64_t i = 10000; i >= 1; i--)
        acurast__outbox_cancel(&outbox, i);
    assert_int_equal(over_count, 10000);
    finish(&outbox);
}

static void test_table_that_cannot_grow(void **state)
{
    static const uint8_t id[16];
    acurast__outbox outbox;
    (void)state;
    make(&outbox, MAX_OVER, SIZE_MAX);
    size_t buckets = outbox.bucket_count;
    for (uint64_t i = 1; i <= 200; i++) {
        assert_int_equal(acurast__outbox_reserve(&outbox, 1, 0), ACURAST_OK);
        acurast__operation *operation = acurast__operation_create(id, id, NULL, 0);
        operation->number = i;
        acurast__memory_fail_at(1);
        acurast__outbox_accept(&outbox, operation);
        acurast__memory_fail_at(0);
    }
    assert_int_equal(outbox.bucket_count, buckets);
    for (uint64_t i = 1; i <= 200; i++)
        acurast__outbox_cancel(&outbox, i);
    assert_int_equal(over_count, 200);
    finish(&outbox);
}

static void test_frame(void **state)
{
    static const uint8_t sender[16] = {1}, recipient[16] = {2};
    acurast__frame frame;
    (void)state;
    acurast__operation *operation = acurast__operation_create(sender, recipient, "hello", 5);
    assert_true(acurast__frame_decode(&frame, operation->frame, ACURAST__HEADER_SIZE + 5));
    assert_int_equal(frame.type, ACURAST__FRAME_PAYLOAD);
    assert_memory_equal(frame.sender, sender, 16);
    assert_memory_equal(frame.recipient, recipient, 16);
    assert_memory_equal(frame.body, "hello", 5);
    acurast__operation_free(operation);
    acurast__operation_free(NULL);
    for (long n = 1; n <= 2; n++) {
        acurast__memory_fail_at(n);
        assert_null(acurast__operation_create(sender, recipient, "hello", 5));
    }
    acurast__memory_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_empty_outbox_takes_any_size),
        cmocka_unit_test(test_written_in_order),
        cmocka_unit_test(test_lost_returns_what_is_not_written),
        cmocka_unit_test(test_cancel_queued),
        cmocka_unit_test(test_cancel_flying_counts_if_lost),
        cmocka_unit_test(test_too_large_is_the_one_being_written),
        cmocka_unit_test(test_too_large_was_written_already),
        cmocka_unit_test(test_too_large_was_written_past_the_outbox),
        cmocka_unit_test(test_many_in_the_table),
        cmocka_unit_test(test_table_that_cannot_grow),
        cmocka_unit_test(test_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
