/* Whole numbers with units, as text: "4096", "16MiB", "1500ms", "30s". */
#ifndef ACURAST_BASE_QUANTITY_H
#define ACURAST_BASE_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum acurast__quantity {
    ACURAST__QUANTITY_PLAIN,        /* no unit */
    ACURAST__QUANTITY_BYTES,        /* none: bytes; KiB, MiB, GiB */
    ACURAST__QUANTITY_MILLISECONDS, /* none: milliseconds; ms, s, m, h */
    ACURAST__QUANTITY_SECONDS       /* none: seconds; s, m, h */
} acurast__quantity;

#define ACURAST__QUANTITY_TEXT 32 /* bytes that hold any rendered quantity, with its NUL */

/*
 * Reads digits, perhaps blanks, perhaps a unit in letters of either case: nothing before, nothing after. What does not fit into 63
 * bits becomes INT64_MAX. False where the text is anything else.
 */
bool acurast__quantity_parse(acurast__quantity quantity, const char *text, size_t size, int64_t *value);

/* Writes a value that is not negative with the largest unit that divides it. */
void acurast__quantity_render(acurast__quantity quantity, int64_t value, char text[ACURAST__QUANTITY_TEXT]);

#endif
