/* Output of the programs: everything goes through stdio's buffer of standard output. */
#include "print.h"

#include <stdio.h>
#include <string.h>

static bool first_member;

void print_hex(const void *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++) {
        putchar(digits[at[i] >> 4]);
        putchar(digits[at[i] & 15]);
    }
}

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

bool print_is_utf8(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size;) {
        uint8_t low, high;
        size_t length = sequence(bytes[i], &low, &high);
        if (length == 0 || length > size - i)
            return false;
        for (size_t k = 1; k < length; k++, low = 0x80, high = 0xbf)
            if (bytes[i + k] < low || bytes[i + k] > high)
                return false;
        i += length;
    }
    return true;
}

static bool printable(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] < ' ' || bytes[i] == 0x7f)
            return false;
    return print_is_utf8(bytes, size);
}

void print_plain(const uint8_t *bytes, size_t size)
{
    if (printable(bytes, size)) {
        fwrite(bytes, 1, size, stdout);
    } else {
        fputs("0x", stdout);
        print_hex(bytes, size);
    }
}

static void escaped(const uint8_t *bytes, size_t size)
{
    putchar('"');
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '"' || bytes[i] == '\\')
            printf("\\%c", bytes[i]);
        else if (bytes[i] < ' ' || bytes[i] == 0x7f)
            printf("\\u%04x", bytes[i]);
        else
            putchar(bytes[i]);
    }
    putchar('"');
}

static void member(const char *name)
{
    printf("%s\"%s\": ", first_member ? "" : ", ", name);
    first_member = false;
}

void print_json_begin(void)
{
    putchar('{');
    first_member = true;
}

void print_json_text(const char *name, const char *text)
{
    const uint8_t *bytes = (const uint8_t *)text;
    size_t size = strlen(text);
    member(name);
    if (print_is_utf8(bytes, size))
        escaped(bytes, size);
    else
        fputs("null", stdout);
}

void print_json_hex(const char *name, const void *bytes, size_t size)
{
    member(name);
    putchar('"');
    print_hex(bytes, size);
    putchar('"');
}

void print_json_number(const char *name, long long number)
{
    member(name);
    printf("%lld", number);
}

void print_json_milliseconds(const char *name, uint64_t microseconds)
{
    member(name);
    printf("%llu.%03llu", (unsigned long long)(microseconds / 1000), (unsigned long long)(microseconds % 1000));
}

void print_json_payload(const uint8_t *bytes, size_t size)
{
    print_json_number("size", (long long)size);
    print_json_hex("hex", bytes, size);
    if (print_is_utf8(bytes, size)) {
        member("text");
        escaped(bytes, size);
    }
}

void print_json_end(void)
{
    fputs("}\n", stdout);
}

bool print_flush(void)
{
    return fflush(stdout) == 0 && !ferror(stdout);
}
