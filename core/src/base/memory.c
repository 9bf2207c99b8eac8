/*
 * The heap's one door. Every allocation first asks the countdown of the tests: 0 is off, n > 0 lets n - 1 pass and fails the n-th.
 * Live objects are one number for the process; what kind they are, a leak checker says better.
 */
#include "base/memory.h"

#include <acurast/context.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static atomic_long fail_countdown;
static _Atomic int64_t live_objects;

static bool must_fail(void)
{
    long left = atomic_load_explicit(&fail_countdown, memory_order_relaxed);
    while (left > 0) {
        if (atomic_compare_exchange_weak_explicit(&fail_countdown, &left, left - 1, memory_order_relaxed,
                                                  memory_order_relaxed))
            return left == 1;
    }
    return false;
}

void *acurast__alloc(size_t size)
{
    return must_fail() ? NULL : malloc(size ? size : 1);
}

void *acurast__alloc_zero(size_t size)
{
    return must_fail() ? NULL : calloc(1, size ? size : 1);
}

void *acurast__realloc(void *block, size_t size)
{
    return must_fail() ? NULL : realloc(block, size ? size : 1);
}

void acurast__free(void *block)
{
    free(block);
}

void *acurast__copy(const void *bytes, size_t size)
{
    void *copy = acurast__alloc(size);
    if (copy && size)
        memcpy(copy, bytes, size);
    return copy;
}

char *acurast__copy_text(const char *text)
{
    return acurast__copy(text, strlen(text) + 1);
}

void acurast__memory_fail_at(long n)
{
    atomic_store(&fail_countdown, n);
}

void acurast__object_born(void)
{
    atomic_fetch_add_explicit(&live_objects, 1, memory_order_relaxed);
}

void acurast__object_died(void)
{
    atomic_fetch_sub_explicit(&live_objects, 1, memory_order_relaxed);
}

int64_t acurast_live_objects(void)
{
    return atomic_load_explicit(&live_objects, memory_order_relaxed);
}
