/* The heap's door: sizes of 0, copies, failing at will, the count of live objects. */
#include "base/memory.h"
#include "support/unit.h"

#include <acurast/context.h>

#include <stdatomic.h>
#include <string.h>

#include <pthread.h>

static void test_sizes_of_zero_can_be_freed(void **state)
{
    (void)state;
    void *a = acurast__alloc(0);
    void *b = acurast__alloc_zero(0);
    assert_non_null(a);
    assert_non_null(b);
    a = acurast__realloc(a, 0);
    assert_non_null(a);
    acurast__free(a);
    acurast__free(b);
    acurast__free(NULL);
    void *none = acurast__copy(NULL, 0);
    assert_non_null(none);
    acurast__free(none);
}

static void test_blocks_hold_what_was_put_in(void **state)
{
    (void)state;
    static const uint8_t zero[100];
    uint8_t *block = acurast__alloc_zero(100);
    assert_memory_equal(block, zero, 100);
    memset(block, 7, 100);
    block = acurast__realloc(block, 10000);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(block[i], 7);
    uint8_t *copy = acurast__copy(block, 100);
    assert_memory_equal(copy, block, 100);
    acurast__free(copy);
    acurast__free(block);
    char *text = acurast__copy_text("hello");
    assert_string_equal(text, "hello");
    acurast__free(text);
}

static void test_the_nth_allocation_fails_once(void **state)
{
    (void)state;
    void *blocks[5] = {0};
    acurast__memory_fail_at(3);
    for (int i = 0; i < 5; i++)
        blocks[i] = i == 1 ? acurast__alloc_zero(8) : acurast__alloc(8);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(blocks[i] == NULL, i == 2);
        acurast__free(blocks[i]);
    }
}

static void test_every_kind_of_allocation_can_fail(void **state)
{
    (void)state;
    acurast__memory_fail_at(1);
    assert_null(acurast__alloc_zero(8));
    acurast__memory_fail_at(1);
    assert_null(acurast__copy("x", 1));
    acurast__memory_fail_at(1);
    assert_null(acurast__copy_text("x"));
    char *block = acurast__copy_text("kept");
    acurast__memory_fail_at(1);
    assert_null(acurast__realloc(block, 100));
    assert_string_equal(block, "kept");
    acurast__memory_fail_at(1);
    acurast__memory_fail_at(0);
    block = acurast__realloc(block, 100);
    assert_non_null(block);
    acurast__free(block);
}

static void *allocate_a_lot(void *failures)
{
    for (int i = 0; i < 1000; i++) {
        void *block = acurast__alloc(1);
        if (!block)
            atomic_fetch_add((atomic_int *)failures, 1);
        acurast__free(block);
    }
    return NULL;
}

static void test_one_of_many_threads_fails(void **state)
{
    (void)state;
    atomic_int failures = 0;
    pthread_t threads[4];
    acurast__memory_fail_at(2000);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, allocate_a_lot, &failures), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(failures, 1);
}

static void test_live_objects_are_counted(void **state)
{
    (void)state;
    int64_t before = acurast_live_objects();
    acurast__object_born();
    acurast__object_born();
    assert_int_equal(acurast_live_objects(), before + 2);
    acurast__object_died();
    acurast__object_died();
    assert_int_equal(acurast_live_objects(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_of_zero_can_be_freed),    cmocka_unit_test(test_blocks_hold_what_was_put_in),
        cmocka_unit_test(test_the_nth_allocation_fails_once), cmocka_unit_test(test_every_kind_of_allocation_can_fail),
        cmocka_unit_test(test_one_of_many_threads_fails),     cmocka_unit_test(test_live_objects_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
