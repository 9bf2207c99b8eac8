/* Slices of text, in ASCII whatever the locale says. */
#ifndef ACURAST_BASE_TEXT_H
#define ACURAST_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct acurast__slice {
    const char *text;
    size_t size;
} acurast__slice;

static inline bool acurast__is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool acurast__is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline char acurast__lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Without the white space around it. */
static inline acurast__slice acurast__trim(const char *text, size_t size)
{
    while (size > 0 && acurast__is_blank(text[0])) {
        text++;
        size--;
    }
    while (size > 0 && acurast__is_blank(text[size - 1]))
        size--;
    return (acurast__slice){text, size};
}

/* True where the slice is that word, in letters of either case. */
static inline bool acurast__is_word(acurast__slice slice, const char *word, size_t word_size)
{
    if (slice.size != word_size)
        return false;
    for (size_t i = 0; i < word_size; i++) {
        if (acurast__lower(slice.text[i]) != acurast__lower(word[i]))
            return false;
    }
    return true;
}

/* Copies as much as fits into `capacity` bytes, NUL included; each byte of a control character, of one that sets the direction of text,
 * of a separator of lines, and of what is no UTF-8 becomes '?'. */
void acurast__copy_printable(char *out, size_t capacity, const void *from, size_t size);

#endif
