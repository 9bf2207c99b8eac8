/* One table of units for each quantity, the largest first; a value is digits times the factor of its unit. */
#include "base/quantity.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

typedef struct unit {
    const char *name;
    int64_t factor;
} unit;

#define UNITS_MAX 5

static const unit units[][UNITS_MAX] = {
    [ACURAST__QUANTITY_PLAIN] = {{"", 1}},
    [ACURAST__QUANTITY_BYTES] = {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"", 1}},
    [ACURAST__QUANTITY_MILLISECONDS] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {"", 1}},
    [ACURAST__QUANTITY_SECONDS] = {{"h", 3600}, {"m", 60}, {"s", 1}, {"", 1}},
};

static const unit *find_unit(acurast__quantity quantity, acurast__slice name)
{
    for (size_t i = 0; i < UNITS_MAX && units[quantity][i].name; i++) {
        const unit *candidate = &units[quantity][i];
        if (acurast__is_word(name, candidate->name, strlen(candidate->name)))
            return candidate;
    }
    return NULL;
}

static int64_t multiply(int64_t value, int64_t factor)
{
    return value > INT64_MAX / factor ? INT64_MAX : value * factor;
}

bool acurast__quantity_parse(acurast__quantity quantity, const char *text, size_t size, int64_t *value)
{
    size_t digits = 0;
    int64_t number = 0;
    for (; digits < size && acurast__is_digit(text[digits]); digits++) {
        int64_t tens = multiply(number, 10);
        int64_t digit = text[digits] - '0';
        number = tens > INT64_MAX - digit ? INT64_MAX : tens + digit;
    }
    if (digits == 0)
        return false;
    acurast__slice rest = {text + digits, size - digits};
    while (rest.size > 0 && acurast__is_blank(rest.text[0]))
        rest = (acurast__slice){rest.text + 1, rest.size - 1};
    const unit *found = find_unit(quantity, rest);
    if (!found)
        return false;
    *value = multiply(number, found->factor);
    return true;
}

void acurast__quantity_render(acurast__quantity quantity, int64_t value, char text[ACURAST__QUANTITY_TEXT])
{
    const unit *best = units[quantity];
    while (value == 0 ? best->name[0] != '\0' : value % best->factor != 0)
        best++;
    snprintf(text, ACURAST__QUANTITY_TEXT, "%" PRId64 "%s", value / best->factor, best->name);
}
