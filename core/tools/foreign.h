/*
 * Text that others wrote: payloads, the reasons of a service, what an error repeats. The programs print it by these functions alone,
 * so that it can neither steer a terminal nor pass for words of ours.
 *
 * Printable UTF-8 stays as it is. \xNN is a control character of ASCII, or a byte that is no UTF-8; \u{N} is another character that
 * steers: U+0080 to U+009F, the separators of lines and paragraphs, and what sets the direction of text. A backslash that would read
 * as the beginning of one of these is \x5c, so that each output has one meaning; other backslashes stay.
 */
#ifndef ACURAST_TOOLS_FOREIGN_H
#define ACURAST_TOOLS_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* True for UTF-8 as RFC 3629 has it. */
bool foreign_is_utf8(const uint8_t *bytes, size_t size);

void foreign_print(FILE *stream, const void *bytes, size_t size);

/* The same into `out`, which has `capacity` bytes; what does not fit is cut off, escapes as a whole. */
void foreign_copy(char *out, size_t capacity, const char *text);

/* As a string of JSON, in its quotes and with its escapes. The bytes are UTF-8. */
void foreign_quote(FILE *stream, const uint8_t *bytes, size_t size);

/* A value of JSON, which is valid: what would steer is escaped as JSON has it, within strings, so that it means the same. */
void foreign_json(FILE *stream, const uint8_t *bytes, size_t size);

/* A message of the program on standard error, printf-like and with a line end of its own; what is beyond some 2,000 bytes is cut off. */
void foreign_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
