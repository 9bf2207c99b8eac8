/*
 * Reading options inside the core. The table is base/option_table.h; rows are named by the enum below, so that a
 * misspelt name does not compile.
 */
#ifndef ACURAST_BASE_OPTION_H
#define ACURAST_BASE_OPTION_H

#include "base/option_table.h"

#include <acurast/options.h>

#include <stdbool.h>

typedef enum acurast__option {
#define ACURAST__OPTION_ENUM(id, name, scope, type, text, min, max, choices, help) ACURAST__OPTION_##id,
    ACURAST__OPTION_TABLE(ACURAST__OPTION_ENUM)
#undef ACURAST__OPTION_ENUM
        ACURAST__OPTION_COUNT
} acurast__option;

acurast_option_scope acurast__options_scope(const acurast_options *options);

/* Numbers, booleans, times; for a CHOICE the position of the word in `choices`. */
int64_t acurast__options_number(const acurast_options *options, acurast__option option);

static inline bool acurast__options_flag(const acurast_options *options, acurast__option option)
{
    return acurast__options_number(options, option) != 0;
}

/* Text; never NULL. Valid while the options live unchanged. */
const char *acurast__options_text(const acurast_options *options, acurast__option option);

/* Element `index` of a list; NULL past the end. */
const char *acurast__options_element(const acurast_options *options, acurast__option option, size_t index);

/* True where the caller has set it, false where the default is in force. */
bool acurast__options_given(const acurast_options *options, acurast__option option);

/* Leaves a text for acurast_options_error(); printf-like, at most 255 bytes. Returns `status`. */
acurast_status acurast__options_fail(acurast_options *options, acurast_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
