/*
 * What a program says on standard output: hexadecimal, and JSON, one object a line.
 */
#ifndef ACURAST_TOOLS_PRINT_H
#define ACURAST_TOOLS_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lower-case digits, no line end. */
void print_hex(const void *bytes, size_t size);

/* On one line and for a terminal: the text as foreign.h has it, or 0x and hexadecimal where the bytes are no text. No line end. */
void print_payload(const uint8_t *bytes, size_t size);

/* An object is begun, given its members, and ended with a line end. Values are escaped; names are not. */
void print_json_begin(void);
void print_json_text(const char *name, const char *text);
void print_json_hex(const char *name, const void *bytes, size_t size);
/* `bytes` are a value of JSON. */
void print_json_value(const char *name, const uint8_t *bytes, size_t size);
void print_json_number(const char *name, long long number);
void print_json_milliseconds(const char *name, uint64_t microseconds);
/* `size`, `hex`, and `text` where the bytes are UTF-8. */
void print_json_payload(const uint8_t *bytes, size_t size);
void print_json_end(void);

/* Sends the line on its way; false where nobody takes it any more. */
bool print_flush(void);

#endif
