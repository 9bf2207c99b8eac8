/* Marks: first in, first out, however they grow; and their memory is counted. */
#include "base/memory.h"
#include "service/marks.h"

#include "support/unit.h"

static _Atomic uint64_t memory;

static void push(acurast__marks *marks, uint64_t position)
{
    assert_true(acurast__marks_reserve(marks, 1, &memory));
    acurast__marks_push(marks, &(acurast__mark){.position = position, .ordinal = position / 2});
}

static void they_come_out_in_order_however_they_grow(void **state)
{
    (void)state;
    acurast__marks marks = {0};
    uint64_t in = 0, out = 0;
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < round; i++)
            push(&marks, in++);
        for (int i = 0; i < round / 2; i++) {
            assert_int_equal(acurast__marks_first(&marks)->position, out);
            assert_int_equal(acurast__marks_first(&marks)->ordinal, out++ / 2);
            acurast__marks_pop(&marks);
        }
        assert_int_equal(marks.count, in - out);
        assert_int_equal(memory, acurast__marks_memory(&marks));
    }
    for (; out < in; acurast__marks_pop(&marks))
        assert_int_equal(acurast__marks_first(&marks)->position, out++);
    assert_null(acurast__marks_first(&marks));
    acurast__marks_clear(&marks, &memory);
    assert_int_equal(memory, 0);
    assert_null(marks.ring);
}

static void room_for_many_is_taken_at_once(void **state)
{
    (void)state;
    acurast__marks marks = {0};
    push(&marks, 1);
    assert_true(acurast__marks_reserve(&marks, 1000, &memory));
    assert_true(marks.capacity >= 1001);
    assert_true(marks.capacity < 4096);
    assert_int_equal(acurast__marks_first(&marks)->position, 1);
    acurast__marks_clear(&marks, &memory);
    assert_int_equal(memory, 0);
}

static void without_memory_nothing_changes(void **state)
{
    (void)state;
    acurast__marks marks = {0};
    acurast__memory_fail_at(1);
    assert_false(acurast__marks_reserve(&marks, 1, &memory));
    for (uint64_t i = 0; i < 8; i++)
        push(&marks, i);
    acurast__memory_fail_at(1);
    assert_false(acurast__marks_reserve(&marks, 1, &memory));
    acurast__memory_fail_at(0);
    assert_int_equal(marks.count, 8);
    for (uint64_t i = 0; i < 8; i++, acurast__marks_pop(&marks))
        assert_int_equal(acurast__marks_first(&marks)->position, i);
    acurast__marks_clear(&marks, &memory);
    assert_int_equal(memory, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_come_out_in_order_however_they_grow),
        cmocka_unit_test(room_for_many_is_taken_at_once),
        cmocka_unit_test(without_memory_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
