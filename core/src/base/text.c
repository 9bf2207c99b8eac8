/* Text that others wrote, before it reaches a log or a user. */
#include "base/text.h"

#include <stdint.h>

static bool between(uint8_t byte, uint8_t low, uint8_t high)
{
    return byte >= low && byte <= high;
}

/* Separators of lines and paragraphs, and what sets the direction of text: with it a stranger's text passes for another. */
static bool rearranges(const uint8_t *at, size_t size)
{
    if (size == 2)
        return at[0] == 0xd8 && at[1] == 0x9c; /* U+061C */
    if (size != 3 || at[0] != 0xe2)
        return false;
    return at[1] == 0x80 ? between(at[2], 0x8e, 0x8f) || between(at[2], 0xa8, 0xae) /* U+200E, 200F, 2028 to 202E */
                         : at[1] == 0x81 && between(at[2], 0xa6, 0xa9);             /* U+2066 to 2069 */
}

/* The size of the UTF-8 sequence at `at`; 0 where there is none, or one that stands for a control character. */
static size_t printable(const uint8_t *at, size_t left)
{
    if (between(at[0], 0x20, 0x7e))
        return 1;
    size_t size = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (!between(at[0], 0xc2, 0xf4) || size > left)
        return 0;
    for (size_t i = 1; i < size; i++)
        if (!between(at[i], 0x80, 0xbf))
            return 0;
    uint8_t least = at[0] == 0xe0 || at[0] == 0xc2 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80; /* c2 80 to c2 9f: controls */
    uint8_t most = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf;
    return between(at[1], least, most) && !rearranges(at, size) ? size : 0;
}

void acurast__copy_printable(char *out, size_t capacity, const void *from, size_t size)
{
    const uint8_t *text = from;
    size_t used = 0;
    while (size > 0) {
        size_t step = printable(text, size);
        size_t width = step ? step : 1;
        if (used + width >= capacity)
            break;
        memcpy(out + used, step ? (const char *)text : "?", width);
        used += width;
        text += width;
        size -= width;
    }
    out[used] = '\0';
}
