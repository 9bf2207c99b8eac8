/*
 * Objects that hold options. The table gives each option a row; an object has one value for each row of its scope, which starts as
 * the row's default, read from its text like any other. A value is a number (also a choice: the position of its word), or texts: one
 * for a TEXT, any number for a LIST. Every change is made in a new value that takes the place of the old one only when all went well.
 */
#include "base/option.h"

#include "base/memory.h"
#include "base/quantity.h"
#include "base/text.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX ((size_t)1024 * 1024)
#define ECHO_MAX 60

typedef struct value {
    int64_t number;
    char **texts;
    size_t count;
    size_t capacity;
    bool given;
} value;

struct acurast_options {
    acurast_option_scope scope;
    size_t first; /* row of the first value */
    size_t count;
    char error[768]; /* as long as the list of places that may hold certificate authorities */
    value values[];
};

static const acurast_option_info rows[] = {
#define OPTION_ROW(id, name, scope, type, text, min, max, choices, help)                                               \
    {name, ACURAST_SCOPE_##scope, ACURAST_OPTION_##type, text, min, max, choices, help},
    ACURAST__OPTION_TABLE(OPTION_ROW)
#undef OPTION_ROW
};

/* ---- rows ---- */

static bool is_number(const acurast_option_info *row)
{
    return row->type != ACURAST_OPTION_TEXT && row->type != ACURAST_OPTION_LIST && row->type != ACURAST_OPTION_CHOICE;
}

static acurast__quantity quantity_of(const acurast_option_info *row)
{
    switch (row->type) {
    case ACURAST_OPTION_SIZE:
        return ACURAST__QUANTITY_BYTES;
    case ACURAST_OPTION_MILLISECONDS:
        return ACURAST__QUANTITY_MILLISECONDS;
    case ACURAST_OPTION_SECONDS:
        return ACURAST__QUANTITY_SECONDS;
    default:
        return ACURAST__QUANTITY_PLAIN;
    }
}

/* The word at `position` of the choices; a NULL text past the end. */
static acurast__slice choice_at(const acurast_option_info *row, int64_t position)
{
    const char *word = row->choices;
    for (; word && position > 0; position--) {
        word = strchr(word, '|');
        word = word ? word + 1 : NULL;
    }
    return (acurast__slice){word, word ? strcspn(word, "|") : 0};
}

acurast_status acurast_option_at(size_t index, acurast_option_info *info)
{
    if (!info)
        return ACURAST_INVALID;
    if (index >= ACURAST__OPTION_COUNT)
        return ACURAST_NOT_FOUND;
    *info = rows[index];
    return ACURAST_OK;
}

/* ---- errors ---- */

acurast_status acurast__options_fail(acurast_options *options, acurast_status status, const char *format, ...)
{
    if (!options)
        return status;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(options->error, sizeof(options->error), format, arguments);
    va_end(arguments);
    for (char *c = options->error; *c; c++) {
        if (*c < ' ' || *c > '~')
            *c = '?';
    }
    return status;
}

/* Says what is wrong with the value given for an option: `"the value" <complaint>`. */
static acurast_status refuse(acurast_options *options, const acurast_option_info *row, acurast__slice given,
                             const char *complaint)
{
    bool cut = given.size > ECHO_MAX;
    return acurast__options_fail(options, ACURAST_BAD_OPTION, "option %s: \"%.*s%s\" %s", row->name,
                                 cut ? ECHO_MAX : (int)given.size, given.text, cut ? "..." : "", complaint);
}

static acurast_status refuse_number(acurast_options *options, const acurast_option_info *row, acurast__slice given)
{
    static const char *const kinds[] = {
        [ACURAST__QUANTITY_PLAIN] = "a whole number",
        [ACURAST__QUANTITY_BYTES] = "a size in bytes, KiB, MiB or GiB",
        [ACURAST__QUANTITY_MILLISECONDS] = "a time in ms, s, m or h",
        [ACURAST__QUANTITY_SECONDS] = "a time in s, m or h",
    };
    char least[ACURAST__QUANTITY_TEXT], most[ACURAST__QUANTITY_TEXT], complaint[128];
    acurast__quantity_render(quantity_of(row), row->min, least);
    acurast__quantity_render(quantity_of(row), row->max, most);
    snprintf(complaint, sizeof(complaint), "is not %s from %s to %s", kinds[quantity_of(row)], least, most);
    return refuse(options, row, given, complaint);
}

static acurast_status refuse_choice(acurast_options *options, const acurast_option_info *row, acurast__slice given)
{
    char complaint[128];
    snprintf(complaint, sizeof(complaint), "is not one of %s", row->choices);
    return refuse(options, row, given, complaint);
}

static acurast_status refuse_type(acurast_options *options, const acurast_option_info *row, const char *expected)
{
    return acurast__options_fail(options, ACURAST_BAD_OPTION, "option %s: is not %s", row->name, expected);
}

static acurast_status no_memory(acurast_options *options)
{
    return acurast__options_fail(options, ACURAST_NO_MEMORY, "out of memory");
}

/* ---- values ---- */

static void value_clear(value *v)
{
    for (size_t i = 0; i < v->count; i++) {
        sodium_memzero(v->texts[i], strlen(v->texts[i])); /* a proxy's has a password */
        acurast__free(v->texts[i]);
    }
    acurast__free(v->texts);
    *v = (value){0};
}

static bool value_append(value *v, acurast__slice text)
{
    if (v->count == v->capacity) {
        size_t capacity = v->capacity ? v->capacity * 2 : 1;
        char **texts = acurast__realloc(v->texts, capacity * sizeof(*texts));
        if (!texts)
            return false;
        v->texts = texts;
        v->capacity = capacity;
    }
    char *copy = acurast__alloc(text.size + 1);
    if (!copy)
        return false;
    memcpy(copy, text.text, text.size);
    copy[text.size] = '\0';
    v->texts[v->count++] = copy;
    return true;
}

static bool value_copy(value *to, const value *from)
{
    *to = (value){.number = from->number, .given = from->given};
    for (size_t i = 0; i < from->count; i++) {
        if (!value_append(to, (acurast__slice){from->texts[i], strlen(from->texts[i])})) {
            value_clear(to);
            return false;
        }
    }
    return true;
}

/* ---- reading text ---- */

static acurast_status read_number(acurast_options *options, const acurast_option_info *row, acurast__slice text,
                                  value *v)
{
    if (!acurast__quantity_parse(quantity_of(row), text.text, text.size, &v->number) || v->number < row->min ||
        v->number > row->max)
        return refuse_number(options, row, text);
    return ACURAST_OK;
}

static acurast_status read_flag(acurast_options *options, const acurast_option_info *row, acurast__slice text, value *v)
{
    static const char *const words[] = {"off", "on", "false", "true", "no", "yes", "0", "1"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (acurast__is_word(text, words[i], strlen(words[i]))) {
            v->number = (int64_t)(i % 2);
            return ACURAST_OK;
        }
    }
    return refuse(options, row, text, "is not on or off");
}

static acurast_status read_choice(acurast_options *options, const acurast_option_info *row, acurast__slice text,
                                  value *v)
{
    acurast__slice word;
    for (int64_t i = 0; (word = choice_at(row, i)).text; i++) {
        if (acurast__is_word(text, word.text, word.size)) {
            v->number = i;
            return ACURAST_OK;
        }
    }
    return refuse_choice(options, row, text);
}

static acurast_status read_text(acurast_options *options, const acurast_option_info *row, const char *text, value *v)
{
    size_t size = strnlen(text, TEXT_MAX + 1);
    if (size > TEXT_MAX)
        return refuse(options, row, (acurast__slice){text, size}, "is longer than 1MiB");
    if (size > 0 && !value_append(v, (acurast__slice){text, size}))
        return no_memory(options);
    return ACURAST_OK;
}

static acurast_status add_element(acurast_options *options, const acurast_option_info *row, acurast__slice element,
                                  value *v)
{
    if (element.size > TEXT_MAX)
        return refuse(options, row, element, "is longer than 1MiB");
    if ((int64_t)v->count >= row->max) {
        char complaint[64];
        snprintf(complaint, sizeof(complaint), "is one more than the %" PRId64 " that are allowed", row->max);
        return refuse(options, row, element, complaint);
    }
    return value_append(v, element) ? ACURAST_OK : no_memory(options);
}

static bool is_separator(char c)
{
    return c == ',' || acurast__is_blank(c);
}

static acurast_status read_list(acurast_options *options, const acurast_option_info *row, const char *text, value *v)
{
    acurast_status status = ACURAST_OK;
    while (status == ACURAST_OK && *text) {
        size_t size = 0;
        while (text[size] && !is_separator(text[size]))
            size++;
        if (size > 0)
            status = add_element(options, row, (acurast__slice){text, size}, v);
        text += size;
        text += *text != '\0';
    }
    return status;
}

static acurast_status read_value(acurast_options *options, const acurast_option_info *row, const char *text, value *v)
{
    switch (row->type) {
    case ACURAST_OPTION_TEXT:
        return read_text(options, row, text, v);
    case ACURAST_OPTION_LIST:
        return read_list(options, row, text, v);
    case ACURAST_OPTION_BOOL:
        return read_flag(options, row, acurast__trim(text, strlen(text)), v);
    case ACURAST_OPTION_CHOICE:
        return read_choice(options, row, acurast__trim(text, strlen(text)), v);
    default:
        return read_number(options, row, acurast__trim(text, strlen(text)), v);
    }
}

/* ---- objects ---- */

/* Without values. */
static acurast_options *make(acurast_option_scope scope)
{
    size_t first = 0, count = 0;
    while (first < ACURAST__OPTION_COUNT && rows[first].scope != scope)
        first++;
    while (first + count < ACURAST__OPTION_COUNT && rows[first + count].scope == scope)
        count++;
    acurast_options *options = acurast__alloc_zero(sizeof(*options) + count * sizeof(value));
    if (!options)
        return NULL;
    options->scope = scope;
    options->first = first;
    options->count = count;
    acurast__object_born();
    return options;
}

acurast_status acurast_options_create(acurast_option_scope scope, acurast_options **options)
{
    if (!options)
        return ACURAST_INVALID;
    *options = NULL;
    if (scope < ACURAST_SCOPE_CONTEXT || scope > ACURAST_SCOPE_SERVICE)
        return ACURAST_INVALID;
    acurast_options *made = make(scope);
    if (!made)
        return ACURAST_NO_MEMORY;
    for (size_t i = 0; i < made->count; i++) {
        const acurast_option_info *row = &rows[made->first + i];
        acurast_status status = read_value(made, row, row->default_text, &made->values[i]);
        if (status != ACURAST_OK) {
            acurast_options_release(made);
            return status;
        }
    }
    *options = made;
    return ACURAST_OK;
}

acurast_status acurast_options_clone(const acurast_options *options, acurast_options **copy)
{
    if (!copy)
        return ACURAST_INVALID;
    *copy = NULL;
    if (!options)
        return ACURAST_INVALID;
    acurast_options *made = make(options->scope);
    if (!made)
        return ACURAST_NO_MEMORY;
    for (size_t i = 0; i < made->count; i++) {
        if (!value_copy(&made->values[i], &options->values[i])) {
            acurast_options_release(made);
            return ACURAST_NO_MEMORY;
        }
    }
    *copy = made;
    return ACURAST_OK;
}

void acurast_options_release(acurast_options *options)
{
    if (!options)
        return;
    for (size_t i = 0; i < options->count; i++)
        value_clear(&options->values[i]);
    acurast__free(options);
    acurast__object_died();
}

const char *acurast_options_error(const acurast_options *options)
{
    return options ? options->error : "";
}

/* ---- by name ---- */

/* NULL, and an error that says so, where there is none. Errors are told also of calls that only read: no object is const in truth. */
static const acurast_option_info *find(const acurast_options *options, const char *name)
{
    static const char *const scopes[] = {"", "context", "client", "service"};
    for (size_t i = options->first; i < options->first + options->count; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    }
    acurast__options_fail((acurast_options *)options, ACURAST_UNKNOWN_OPTION,
                          "option %.*s: there is no such option for a %s", ECHO_MAX, name, scopes[options->scope]);
    return NULL;
}

static const value *value_at(const acurast_options *options, const acurast_option_info *row)
{
    assert(row->scope == options->scope);
    return &options->values[(size_t)(row - rows) - options->first];
}

static void replace_at(acurast_options *options, const acurast_option_info *row, value *v)
{
    value *old = (value *)value_at(options, row);
    value_clear(old);
    *old = *v;
    old->given = true;
}

acurast_status acurast_options_set(acurast_options *options, const char *name, const char *text)
{
    if (!options || !name || !text)
        return ACURAST_INVALID;
    const acurast_option_info *row = find(options, name);
    if (!row)
        return ACURAST_UNKNOWN_OPTION;
    value v = {0};
    acurast_status status = read_value(options, row, text, &v);
    if (status == ACURAST_OK)
        replace_at(options, row, &v);
    else
        value_clear(&v);
    return status;
}

acurast_status acurast_options_set_int(acurast_options *options, const char *name, int64_t number)
{
    if (!options || !name)
        return ACURAST_INVALID;
    const acurast_option_info *row = find(options, name);
    if (!row)
        return ACURAST_UNKNOWN_OPTION;
    if (!is_number(row))
        return refuse_type(options, row, "a number");
    if (number < row->min || number > row->max) {
        char given[ACURAST__QUANTITY_TEXT];
        int size = snprintf(given, sizeof(given), "%" PRId64, number);
        return refuse_number(options, row, (acurast__slice){given, (size_t)size});
    }
    replace_at(options, row, &(value){.number = number});
    return ACURAST_OK;
}

acurast_status acurast_options_add(acurast_options *options, const char *name, const char *element)
{
    if (!options || !name || !element)
        return ACURAST_INVALID;
    const acurast_option_info *row = find(options, name);
    if (!row)
        return ACURAST_UNKNOWN_OPTION;
    acurast__slice trimmed = acurast__trim(element, strlen(element));
    if (row->type != ACURAST_OPTION_LIST)
        return refuse_type(options, row, "a list");
    if (trimmed.size == 0)
        return refuse(options, row, trimmed, "is empty");
    value *old = (value *)value_at(options, row);
    if (old->given)
        return add_element(options, row, trimmed, old);
    value v = {0};
    acurast_status status = add_element(options, row, trimmed, &v);
    if (status == ACURAST_OK)
        replace_at(options, row, &v);
    else
        value_clear(&v);
    return status;
}

acurast_status acurast_options_get_int(const acurast_options *options, const char *name, int64_t *number)
{
    if (!options || !name || !number)
        return ACURAST_INVALID;
    const acurast_option_info *row = find(options, name);
    if (!row)
        return ACURAST_UNKNOWN_OPTION;
    if (!is_number(row))
        return refuse_type((acurast_options *)options, row, "a number");
    *number = value_at(options, row)->number;
    return ACURAST_OK;
}

/* ---- rendering ---- */

/* Where text goes: what does not fit is only counted. */
typedef struct sink {
    char *buffer;
    size_t size;
    size_t used;
} sink;

static void sink_put(sink *s, const char *text, size_t size)
{
    if (size > 0 && s->buffer && s->used + size <= s->size)
        memcpy(s->buffer + s->used, text, size);
    s->used += size;
}

static void render(const acurast_option_info *row, const value *v, sink *s)
{
    char number[ACURAST__QUANTITY_TEXT];
    acurast__slice word = {number, 0};
    if (row->type == ACURAST_OPTION_BOOL) {
        word = v->number ? (acurast__slice){"on", 2} : (acurast__slice){"off", 3};
    } else if (row->type == ACURAST_OPTION_CHOICE) {
        word = choice_at(row, v->number);
    } else if (is_number(row)) {
        acurast__quantity_render(quantity_of(row), v->number, number);
        word.size = strlen(number);
    }
    sink_put(s, word.text, word.size);
    for (size_t i = 0; i < v->count; i++) {
        sink_put(s, ",", i > 0);
        sink_put(s, v->texts[i], strlen(v->texts[i]));
    }
    sink_put(s, "", 1);
}

acurast_status acurast_options_get(const acurast_options *options, const char *name, char *buffer, size_t *size)
{
    if (!options || !name || !size)
        return ACURAST_INVALID;
    const acurast_option_info *row = find(options, name);
    if (!row)
        return ACURAST_UNKNOWN_OPTION;
    sink s = {0};
    if (buffer) {
        s.buffer = buffer;
        s.size = *size;
    }
    render(row, value_at(options, row), &s);
    *size = s.used;
    return s.used <= s.size || !buffer ? ACURAST_OK : ACURAST_TOO_SMALL;
}

/* ---- inside the core ---- */

acurast_option_scope acurast__options_scope(const acurast_options *options)
{
    return options->scope;
}

int64_t acurast__options_number(const acurast_options *options, acurast__option option)
{
    return value_at(options, &rows[option])->number;
}

const char *acurast__options_text(const acurast_options *options, acurast__option option)
{
    const char *text = acurast__options_element(options, option, 0);
    return text ? text : "";
}

const char *acurast__options_element(const acurast_options *options, acurast__option option, size_t index)
{
    const value *v = value_at(options, &rows[option]);
    return index < v->count ? v->texts[index] : NULL;
}

bool acurast__options_given(const acurast_options *options, acurast__option option)
{
    return value_at(options, &rows[option])->given;
}
