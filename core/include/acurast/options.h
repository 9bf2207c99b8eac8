/*
 * Settings. Every setting of the library is a row of one table: a name, a scope,
 * a type with its unit, a default, a range, and a sentence of help. The programs'
 * --help, the page core/docs/options.md and the bindings' types are printed from
 * that same table.
 *
 * An `acurast_options` holds values for one scope. Objects copy what they need
 * when they are created: change or release the options afterwards as you like.
 * One acurast_options object is for one thread at a time.
 */
#ifndef ACURAST_OPTIONS_H
#define ACURAST_OPTIONS_H

#include <acurast/export.h>
#include <acurast/status.h>

#include <stddef.h>
#include <stdint.h>

ACURAST_BEGIN

typedef struct acurast_options acurast_options;

typedef enum acurast_option_scope {
    ACURAST_SCOPE_CONTEXT = 1,
    ACURAST_SCOPE_CLIENT = 2,
    ACURAST_SCOPE_SERVICE = 3
} acurast_option_scope;

/* How a value is written as text, and in which unit acurast_options_set_int() takes it. */
typedef enum acurast_option_type {
    ACURAST_OPTION_BOOL = 1,         /* on/off, true/false, yes/no, 1/0; as a number 1 or 0 */
    ACURAST_OPTION_COUNT = 2,        /* a whole number */
    ACURAST_OPTION_SIZE = 3,         /* bytes; as text also with KiB, MiB or GiB: "16MiB" */
    ACURAST_OPTION_MILLISECONDS = 4, /* milliseconds; as text with ms, s, m or h: "1500ms", "30s" */
    ACURAST_OPTION_SECONDS = 5,      /* whole seconds; as text also with s, m or h */
    ACURAST_OPTION_TEXT = 6,         /* text of up to 1 MiB, no NUL inside */
    ACURAST_OPTION_LIST = 7,         /* texts, trimmed; as one text separated by commas or white space */
    ACURAST_OPTION_CHOICE = 8        /* one of the words in `choices` */
} acurast_option_type;

/* One row of the table. All texts are static. */
typedef struct acurast_option_info {
    const char *name; /* lower-case words joined by hyphens */
    acurast_option_scope scope;
    acurast_option_type type;
    const char *default_text; /* "" where there is none */
    int64_t min;              /* for numbers, in the type's own unit */
    int64_t max;
    const char *choices; /* for CHOICE: words separated by '|'; else "" */
    const char *help;    /* one sentence without a full stop */
} acurast_option_info;

/* Options of one scope, all at their defaults. Fails with INVALID or NO_MEMORY. */
ACURAST_API acurast_status acurast_options_create(acurast_option_scope scope, acurast_options **options);

/* A copy that lives on its own. Fails with INVALID or NO_MEMORY. */
ACURAST_API acurast_status acurast_options_clone(const acurast_options *options, acurast_options **copy);

ACURAST_API void acurast_options_release(acurast_options *options);

/*
 * Sets an option from text, parsed by its type; a list is replaced as a whole.
 * Fails with UNKNOWN_OPTION, BAD_OPTION or NO_MEMORY and leaves the old value;
 * acurast_options_error() then says what is wrong, with the name and the range.
 */
ACURAST_API acurast_status acurast_options_set(acurast_options *options, const char *name, const char *text);

/* Sets a number, a boolean (0 or 1) or a time in the type's unit. Errors as above; BAD_OPTION for texts and lists. */
ACURAST_API acurast_status acurast_options_set_int(acurast_options *options, const char *name, int64_t value);

/* Adds one element, trimmed, to a list; nothing is split. The first call replaces the default. Errors as above. */
ACURAST_API acurast_status acurast_options_add(acurast_options *options, const char *name, const char *element);

/* Reads a number, a boolean or a time. Fails with UNKNOWN_OPTION, or BAD_OPTION for texts and lists. */
ACURAST_API acurast_status acurast_options_get_int(const acurast_options *options, const char *name, int64_t *value);

/*
 * Reads any option as the text that acurast_options_set() would take. `*size` is the buffer's size in bytes on entry and the
 * size needed, with the final NUL, on return. `buffer` may be NULL to ask for the size. Fails with UNKNOWN_OPTION or TOO_SMALL.
 */
ACURAST_API acurast_status acurast_options_get(const acurast_options *options, const char *name, char *buffer,
                                               size_t *size);

/* What was wrong with the last call that failed on `options`; "" if none did. Valid until the next call on it. */
ACURAST_API const char *acurast_options_error(const acurast_options *options);

/* Row `index` of the table, of every scope. Returns NOT_FOUND past the end, else OK. */
ACURAST_API acurast_status acurast_option_at(size_t index, acurast_option_info *info);

ACURAST_END

#endif
