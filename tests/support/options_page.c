/*
 * Prints core/docs/options.md from the table of options, as the library gives it out. `tests/support/CMakeLists.txt`
 * compares the two, so the page cannot fall behind; the target `options-page` writes it anew.
 */
#include <acurast/acurast.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char introduction[] =
    "# Options\n"
    "\n"
    "Printed from the library's own table by `tests/support/options_page.c`; a test keeps it current. Change\n"
    "`core/src/base/option_table.h`, then run `ninja -C build options-page`.\n"
    "\n"
    "An option is set with `acurast_options_set()` or `acurast_options_set_int()`. The programs take\n"
    "each as a flag, `--name VALUE`, and as an environment variable: `ACURAST_SERVICE_NAME` for `acurast-service`,\n"
    "`ACURAST_PEER_NAME` for `acurast-peer`, with hyphens as underscores.\n"
    "\n"
    "| type | as text | as a number |\n"
    "| --- | --- | --- |\n"
    "| switch | `on` `off`, `true` `false`, `yes` `no`, `1` `0` | 1, 0 |\n"
    "| count | a whole number | itself |\n"
    "| size | bytes, or with `KiB`, `MiB`, `GiB` | bytes |\n"
    "| time | with `ms`, `s`, `m` or `h`; without a unit as the row says | in the unit that the row says |\n"
    "| text | itself | - |\n"
    "| list | elements, separated by commas or white space | - |\n"
    "| choice | one of the words | - |\n";

static const char *type_name(acurast_option_type type)
{
    switch (type) {
    case ACURAST_OPTION_BOOL:
        return "switch";
    case ACURAST_OPTION_COUNT:
        return "count";
    case ACURAST_OPTION_SIZE:
        return "size";
    case ACURAST_OPTION_MILLISECONDS:
        return "time (ms)";
    case ACURAST_OPTION_SECONDS:
        return "time (s)";
    case ACURAST_OPTION_TEXT:
        return "text";
    case ACURAST_OPTION_LIST:
        return "list";
    case ACURAST_OPTION_CHOICE:
        return "choice";
    }
    return "?";
}

/* A unit, and how many of the next smaller one it holds. */
struct unit {
    int64_t of;
    const char *name;
};

static const struct unit sizes[] = {{1, ""}, {1024, "KiB"}, {1024, "MiB"}, {1024, "GiB"}, {1024, "TiB"}, {0, NULL}};
static const struct unit times[] = {{1, "ms"}, {1000, "s"}, {60, "m"}, {60, "h"}, {0, NULL}};
static const struct unit plain[] = {{1, ""}, {0, NULL}};

static const struct unit *units_of(acurast_option_type type)
{
    switch (type) {
    case ACURAST_OPTION_SIZE:
        return sizes;
    case ACURAST_OPTION_MILLISECONDS:
        return times;
    case ACURAST_OPTION_SECONDS:
        return times + 1;
    default:
        return plain;
    }
}

static void print_number(acurast_option_type type, int64_t value)
{
    const struct unit *unit = units_of(type);

    for (; value != 0 && unit[1].name && value % unit[1].of == 0; unit++)
        value /= unit[1].of;
    printf(value == 0 ? "0" : "%" PRId64 "%s", value, unit->name);
}

static void print_range(const acurast_option_info *info)
{
    switch (info->type) {
    case ACURAST_OPTION_CHOICE:
        for (const char *c = info->choices; *c; c++)
            printf(*c == '|' ? ", " : "%c", *c);
        break;
    case ACURAST_OPTION_LIST:
        printf("up to %" PRId64 " elements", info->max);
        break;
    case ACURAST_OPTION_BOOL:
    case ACURAST_OPTION_TEXT:
        break;
    default:
        print_number(info->type, info->min);
        printf(" to ");
        print_number(info->type, info->max);
    }
}

static void print_scope(acurast_option_scope scope, const char *title)
{
    acurast_option_info info;

    printf("\n## %s\n\n| option | type | default | range | |\n| --- | --- | --- | --- | --- |\n", title);
    for (size_t i = 0; acurast_option_at(i, &info) == ACURAST_OK; i++) {
        if (info.scope != scope)
            continue;
        printf("| `%s` | %s | ", info.name, type_name(info.type));
        printf(*info.default_text ? "`%s` | " : "- | ", info.default_text);
        print_range(&info);
        printf(" | %s |\n", info.help);
    }
}

int main(void)
{
    fputs(introduction, stdout);
    print_scope(ACURAST_SCOPE_CONTEXT, "Context");
    print_scope(ACURAST_SCOPE_CLIENT, "Client");
    print_scope(ACURAST_SCOPE_SERVICE, "Service");
    return 0;
}
