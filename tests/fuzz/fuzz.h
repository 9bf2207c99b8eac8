/* What the fuzz targets share: the entry, a check that a sanitizer reports, and messages out of one input. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            abort();                                                                                                   \
    } while (0)

typedef struct fuzz_input {
    const uint8_t *at;
    size_t left;
} fuzz_input;

static inline uint8_t fuzz_byte(fuzz_input *input)
{
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->at++;
}

/* The next `size` bytes, or what is left, in a block of exactly that size, so that a sanitizer sees a read beyond it. */
static inline uint8_t *fuzz_take(fuzz_input *input, size_t *size)
{
    if (*size > input->left)
        *size = input->left;
    uint8_t *block = calloc(1, *size);
    REQUIRE(block);
    if (*size)
        memcpy(block, input->at, *size);
    input->at += *size;
    input->left -= *size;
    return block;
}

#endif
