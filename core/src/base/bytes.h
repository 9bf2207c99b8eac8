/* Bytes: big-endian numbers, hexadecimal, ids. */
#ifndef ACURAST_BASE_BYTES_H
#define ACURAST_BASE_BYTES_H

#include <acurast/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ACURAST__ID_SIZE 16

static inline bool acurast__id_equal(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, ACURAST__ID_SIZE) == 0;
}

static inline uint16_t acurast__load_be16(const uint8_t *p)
{
    return (uint16_t)((p[0] << 8) | p[1]);
}

static inline uint64_t acurast__load_be64(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = (v << 8) | p[i];
    return v;
}

static inline void acurast__store_be16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void acurast__store_be64(uint8_t *p, uint64_t v)
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        p[i] = (uint8_t)v;
}

/* Writes 2 * size lower-case digits and a NUL. */
void acurast__hex(char *text, const uint8_t *bytes, size_t size);

/*
 * Reads `digits` characters, with or without a leading 0x, into exactly `size` bytes. BAD_HEX for anything else. Constant time in
 * the digits' values, since secrets come this way.
 */
acurast_status acurast__unhex(uint8_t *bytes, size_t size, const char *text, size_t digits);

#endif
