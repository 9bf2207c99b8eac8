/* Output of the programs: everything goes through stdio's buffer of standard output. */
#include "print.h"

#include "foreign.h"

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

void print_payload(const uint8_t *bytes, size_t size)
{
    if (foreign_is_utf8(bytes, size)) {
        foreign_print(stdout, bytes, size);
    } else {
        fputs("0x", stdout);
        print_hex(bytes, size);
    }
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
    if (foreign_is_utf8(bytes, size))
        foreign_quote(stdout, bytes, size);
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

void print_json_value(const char *name, const uint8_t *bytes, size_t size)
{
    member(name);
    foreign_json(stdout, bytes, size);
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
    if (foreign_is_utf8(bytes, size)) {
        member("text");
        foreign_quote(stdout, bytes, size);
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
