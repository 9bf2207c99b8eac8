/* UTF-8 as RFC 3629 has it: nothing overlong, no surrogates, nothing above U+10FFFF. */
#ifndef ACURAST_BASE_UTF8_H
#define ACURAST_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The size of the sequence that begins with a byte above 0x7f; 0: there is none. */
static inline size_t acurast__utf8_sequence(const uint8_t *at, size_t left)
{
    size_t size = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (at[0] < 0xc2 || at[0] > 0xf4 || size > left)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) ||
        (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    return size;
}

static inline bool acurast__utf8_valid(const uint8_t *text, size_t size)
{
    while (size) {
        size_t step = *text < 0x80 ? 1 : acurast__utf8_sequence(text, size);
        if (!step)
            return false;
        text += step;
        size -= step;
    }
    return true;
}

#endif
