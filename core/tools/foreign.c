/* A text is taken character by character; what is printed goes out in pieces, so that a message of usual length is one write. */
#include "foreign.h"

#include <stdarg.h>
#include <string.h>

#define ESCAPE_SIZE 12   /* \u{10ffff} and a NUL */
#define PIECE_SIZE 8192  /* bytes of output at once */
#define MESSAGE_MAX 2000 /* bytes; each takes four at most as an escape, so that a message is one piece */

/* Length of the sequence that a byte begins, and the range of the byte after it; 0 for a byte that begins none. */
static size_t sequence(uint8_t lead, uint8_t *low, uint8_t *high)
{
    *low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    *high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* The size of the character at `at` and its number; 0 where there is none. */
static size_t decode(const uint8_t *at, size_t left, uint32_t *code)
{
    uint8_t low, high;
    size_t size = sequence(at[0], &low, &high);
    if (size == 0 || size > left)
        return 0;
    *code = size == 1 ? at[0] : at[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++, low = 0x80, high = 0xbf) {
        if (at[i] < low || at[i] > high)
            return 0;
        *code = *code << 6 | (at[i] & 0x3f);
    }
    return size;
}

/* True for what a terminal obeys instead of showing it, and for what sets the order or the line of what is shown. */
static bool steers(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x61c || code == 0x200e || code == 0x200f ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/* A backslash that would read as the beginning of an escape of ours. */
static bool misleads(const uint8_t *at, size_t left)
{
    return at[0] == '\\' && left > 1 && (at[1] == 'x' || (left > 2 && at[1] == 'u' && at[2] == '{'));
}

/* What is printed for the character at `at`, or for the byte that is part of none; returns how much it takes up. */
static size_t escape(const uint8_t *at, size_t left, char out[ESCAPE_SIZE])
{
    uint32_t code = 0;
    size_t size = decode(at, left, &code);
    if (size > 0 && !steers(code) && !misleads(at, left)) {
        memcpy(out, at, size);
        out[size] = '\0';
    } else if (size > 1) {
        snprintf(out, ESCAPE_SIZE, "\\u{%x}", (unsigned)code);
    } else {
        snprintf(out, ESCAPE_SIZE, "\\x%02x", at[0]);
    }
    return size ? size : 1;
}

/* `end` is ours and comes last. */
static void put(FILE *stream, const uint8_t *bytes, size_t size, const char *end)
{
    char piece[PIECE_SIZE], out[ESCAPE_SIZE];
    size_t used = 0;
    while (size > 0) {
        size_t taken = escape(bytes, size, out), room = strlen(out);
        if (used + room + strlen(end) > sizeof piece) {
            fwrite(piece, 1, used, stream);
            used = 0;
        }
        memcpy(piece + used, out, room);
        used += room;
        bytes += taken;
        size -= taken;
    }
    memcpy(piece + used, end, strlen(end));
    fwrite(piece, 1, used + strlen(end), stream);
}

bool foreign_is_utf8(const uint8_t *bytes, size_t size)
{
    uint32_t code;
    for (size_t i = 0, step; i < size; i += step) {
        step = decode(bytes + i, size - i, &code);
        if (step == 0)
            return false;
    }
    return true;
}

void foreign_print(FILE *stream, const void *bytes, size_t size)
{
    put(stream, bytes, size, "");
}

void foreign_copy(char *out, size_t capacity, const char *text)
{
    const uint8_t *at = (const uint8_t *)text;
    char piece[ESCAPE_SIZE];
    size_t used = 0;
    for (size_t left = strlen(text); left > 0;) {
        size_t taken = escape(at, left, piece), room = strlen(piece);
        if (used + room >= capacity)
            break;
        memcpy(out + used, piece, room);
        used += room;
        at += taken;
        left -= taken;
    }
    out[used] = '\0';
}

void foreign_quote(FILE *stream, const uint8_t *bytes, size_t size)
{
    fputc('"', stream);
    for (size_t i = 0, step; i < size; i += step) {
        uint32_t code = 0;
        step = decode(bytes + i, size - i, &code);
        if (step == 0)
            break;
        if (steers(code))
            fprintf(stream, "\\u%04x", (unsigned)code); /* none of them is beyond U+FFFF */
        else if (code == '"' || code == '\\')
            fprintf(stream, "\\%c", (char)code);
        else
            fwrite(bytes + i, 1, step, stream);
    }
    fputc('"', stream);
}

void foreign_json(FILE *stream, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        uint32_t code = 0;
        size_t taken = decode(bytes, size, &code);
        if (taken == 0 || !steers(code))
            fwrite(bytes, 1, taken ? taken : 1, stream);
        else if (code < 0x20)
            fputc(' ', stream); /* between values: in a string it cannot be */
        else
            fprintf(stream, "\\u%04x", (unsigned)code);
        bytes += taken ? taken : 1;
        size -= taken ? taken : 1;
    }
}

void foreign_tell(const char *format, ...)
{
    static const char cut[] = "...\n";
    char text[MESSAGE_MAX + 1];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    bool fits = size <= MESSAGE_MAX;
    put(stderr, (const uint8_t *)text, size < 0 ? 0 : strlen(text), fits ? "\n" : cut);
}
