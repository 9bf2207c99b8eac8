/* Each thread has a pool of random bytes, which saves a call for every frame. A child of the process begins a pool of its own. */
#include "net/mask.h"

#include "base/process.h"

#include <sodium.h>
#include <stddef.h>

const uint8_t *acurast__mask_next(void)
{
    static _Thread_local uint8_t pool[1024];
    static _Thread_local size_t left;
    static _Thread_local unsigned generation;
    if (!left || acurast__forked(generation)) {
        randombytes_buf(pool, sizeof pool);
        left = sizeof pool;
        generation = acurast__process_generation();
    }
    left -= 4;
    return pool + left;
}
