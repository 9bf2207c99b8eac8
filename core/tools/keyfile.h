/* Keys in files: PEM, readable by their owner alone. */
#ifndef ACURAST_TOOLS_KEYFILE_H
#define ACURAST_TOOLS_KEYFILE_H

#include <acurast/acurast.h>

#include <stdbool.h>

/*
 * What goes wrong is told on stderr. NULL, or false, then.
 *
 * A file that group or others can write is refused, and so is one that belongs neither to us nor to root; where we are root, it is a
 * warning. One that group or others can read gives a warning.
 */
acurast_identity *keyfile_read(const char *path);

/* Refuses to write over an existing file. */
bool keyfile_write(const char *path, const acurast_identity *identity);

/* PEM on standard output. */
bool keyfile_print(const acurast_identity *identity);

/* All of a file, or of standard input for "-"; `*bytes` is the caller's, to be freed. At most `max` bytes. */
bool keyfile_slurp(const char *path, size_t max, unsigned char **bytes, size_t *size);

#endif
