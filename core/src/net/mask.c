/* Each thread has a pool of random bytes, which saves a call for every frame. */
#include "net/mask.h"

#include <sodium.h>
#include <stddef.h>

const uint8_t *acurast__mask_next(void)
{
    static _Thread_local uint8_t pool[1024];
    static _Thread_local size_t left;
    if (!left) {
        randombytes_buf(pool, sizeof pool);
        left = sizeof pool;
    }
    left -= 4;
    return pool + left;
}
