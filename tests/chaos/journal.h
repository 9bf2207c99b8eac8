/*
 * What a program of the chaos test says: one line for each thing that happens, each in one write, so that a line stands as soon as the
 * call returns, whatever happens to the program afterwards. README.md has the lines.
 */
#ifndef TESTS_CHAOS_JOURNAL_H
#define TESTS_CHAOS_JOURNAL_H

#include <acurast/acurast.h>

#include <stddef.h>
#include <stdint.h>

#define JOURNAL_NAME_MAX 32

/* A payload starts with this many bytes of words at most. */
#define JOURNAL_HEAD_MAX 96

/* Ends the program where the file cannot be had. */
void journal_open(const char *path);

void journal_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes the payload of a send: "NAME NUMBER LEVEL SIZE ", and bytes that follow from the number. `size` may be raised to hold it. */
void journal_fill(uint8_t *payload, size_t *size, const char *name, uint64_t number, unsigned level);

/* Says that a payload came, and whether it is whole. */
void journal_received(const acurast_event_view *event);

void journal_hex(char *text, const uint8_t *bytes, size_t size);

#endif
