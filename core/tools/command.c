/*
 * A flag is looked up among the program's own, then among the rows of the library's table. What was given on the command
 * line is remembered by row, so that the environment is asked for the other rows only.
 */
#include "command.h"

#include "foreign.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 256
#define VARIABLE_SIZE 128
#define DEFAULT_SIZE 256

struct parser {
    struct command *command;
    int argc;
    char **argv;
    int next;
    bool given[ROWS_MAX];
};

int command_usage(const struct command *command, const char *format, ...)
{
    char mistake[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(mistake, sizeof mistake, format, arguments);
    va_end(arguments);
    foreign_tell("%s: %s", command->name, mistake);
    foreign_tell("Try '%s --help'.", command->name);
    return COMMAND_USAGE;
}

bool command_parse_time(const char *text, uint64_t *us)
{
    static const struct {
        const char *unit;
        double us;
    } units[] = {{"", 1e6}, {"ms", 1e3}, {"s", 1e6}, {"m", 60e6}, {"h", 3600e6}};
    char *end;
    if (!text)
        return true;
    double number = strtod(text, &end);
    if (end == text || !(number >= 0 && number <= 1e9))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(end, units[i].unit) == 0) {
            *us = (uint64_t)(number * units[i].us);
            return true;
        }
    return false;
}

static acurast_options *options_of(const struct command *command, acurast_option_scope scope)
{
    for (const command_scope *each = command->scopes; each && each->options; each++)
        if (each->scope == scope)
            return each->options;
    return NULL;
}

/* The next row, from `*index` on, that is one of this program's. */
static bool row_next(const struct command *command, size_t *index, acurast_option_info *info, acurast_options **options)
{
    for (; *index < ROWS_MAX && acurast_option_at(*index, info) == ACURAST_OK; ++*index) {
        *options = options_of(command, info->scope);
        if (*options)
            return true;
    }
    return false;
}

static bool row_named(const struct command *command, const char *name, size_t *index, acurast_option_info *info,
                      acurast_options **options)
{
    for (*index = 0; row_next(command, index, info, options); ++*index)
        if (strcmp(info->name, name) == 0)
            return true;
    return false;
}

static command_flag *flag_named(const struct command *command, const char *name)
{
    for (command_flag *flag = command->flags; flag && flag->name; flag++)
        if (strcmp(flag->name, name) == 0)
            return flag;
    return NULL;
}

static void variable_name(const struct command *command, const char *name, char variable[VARIABLE_SIZE])
{
    snprintf(variable, VARIABLE_SIZE, "%s%s", command->environment, name);
    for (char *c = variable; *c; c++)
        *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
}

static const char *row_value_name(const acurast_option_info *info)
{
    switch (info->type) {
    case ACURAST_OPTION_BOOL:
        return "on|off";
    case ACURAST_OPTION_COUNT:
        return "COUNT";
    case ACURAST_OPTION_SIZE:
        return "SIZE";
    case ACURAST_OPTION_MILLISECONDS:
    case ACURAST_OPTION_SECONDS:
        return "TIME";
    case ACURAST_OPTION_LIST:
        return "TEXT (repeatable)";
    case ACURAST_OPTION_CHOICE:
        return info->choices;
    default:
        return "TEXT";
    }
}

/* What holds if nothing is given: the table's default, unless the program has set another before it parsed. */
static void default_print(const acurast_option_info *info, acurast_options *options)
{
    char own[DEFAULT_SIZE] = "", table[DEFAULT_SIZE] = "";
    size_t own_size = sizeof own, table_size = sizeof table;
    acurast_options *fresh = NULL;
    if (acurast_options_create(info->scope, &fresh) != ACURAST_OK)
        return;
    bool preset = acurast_options_get(options, info->name, own, &own_size) == ACURAST_OK &&
                  acurast_options_get(fresh, info->name, table, &table_size) == ACURAST_OK && strcmp(own, table) != 0;
    const char *text = preset ? own : info->default_text;
    if (text[0])
        printf(" (default %s)", text);
    acurast_options_release(fresh);
}

static void help_print(const struct command *command)
{
    char variable[VARIABLE_SIZE];
    printf("usage: %s\n\n", command->synopsis);
    for (const command_flag *flag = command->flags; flag && flag->name; flag++) {
        variable_name(command, flag->name, variable);
        printf("  --%s%s%s\n        %s [%s]\n", flag->name, flag->value ? " " : "", flag->value ? flag->value : "",
               flag->help, variable);
    }
    acurast_option_info info;
    acurast_options *options;
    for (size_t index = 0; row_next(command, &index, &info, &options); index++) {
        variable_name(command, info.name, variable);
        printf("  --%s %s\n        %s", info.name, row_value_name(&info), info.help);
        default_print(&info, options);
        printf(" [%s]\n", variable);
    }
    printf("  --help\n        Print this and exit\n  --version\n        Print the version and exit\n\n"
           "Each flag can also be set as the environment variable in brackets; the command line wins.\n"
           "SIZE takes KiB, MiB, GiB; TIME takes ms, s, m, h.\n");
    if (command->notes)
        printf("\n%s\n", command->notes);
}

/* The value of a flag: what follows its =, or the next argument. */
static const char *value_take(struct parser *parser, const char *inline_value)
{
    if (inline_value)
        return inline_value;
    return parser->next < parser->argc ? parser->argv[parser->next++] : NULL;
}

static int flag_take(struct parser *parser, command_flag *flag, const char *inline_value)
{
    if (!flag->value) {
        if (inline_value)
            return command_usage(parser->command, "--%s takes no value", flag->name);
        flag->text = "on";
        return COMMAND_CONTINUE;
    }
    flag->text = value_take(parser, inline_value);
    if (!flag->text)
        return command_usage(parser->command, "--%s needs a value", flag->name);
    return COMMAND_CONTINUE;
}

static int row_take(struct parser *parser, const char *name, const char *inline_value)
{
    size_t index;
    acurast_option_info info;
    acurast_options *options;
    if (!row_named(parser->command, name, &index, &info, &options))
        return command_usage(parser->command, "there is no flag --%s", name);
    const char *value = value_take(parser, inline_value);
    if (!value)
        return command_usage(parser->command, "--%s needs a value", name);
    bool more = info.type == ACURAST_OPTION_LIST && parser->given[index];
    acurast_status status =
        more ? acurast_options_add(options, name, value) : acurast_options_set(options, name, value);
    if (status != ACURAST_OK)
        return command_usage(parser->command, "--%s: %s", name, acurast_options_error(options));
    parser->given[index] = true;
    return COMMAND_CONTINUE;
}

static int dashed_take(struct parser *parser, const char *text)
{
    char name[VARIABLE_SIZE];
    const char *equals = strchr(text, '=');
    size_t size = equals ? (size_t)(equals - text) : strlen(text);
    if (size >= sizeof name)
        return command_usage(parser->command, "there is no flag --%s", text);
    memcpy(name, text, size);
    name[size] = 0;
    if (!equals && strcmp(name, "version") == 0) {
        printf("%s %s\n", parser->command->name, acurast_version());
        return COMMAND_OK;
    }
    command_flag *flag = flag_named(parser->command, name);
    return flag ? flag_take(parser, flag, equals ? equals + 1 : NULL)
                : row_take(parser, name, equals ? equals + 1 : NULL);
}

static int line_parse(struct parser *parser)
{
    struct command *command = parser->command;
    bool dashed = true;
    command->arguments = parser->argv + 1;
    command->argument_count = 0;
    while (parser->next < parser->argc) {
        char *text = parser->argv[parser->next++];
        if (dashed && strcmp(text, "--") == 0) {
            dashed = false;
        } else if (dashed && text[0] == '-' && text[1] == '-') {
            int code = dashed_take(parser, text + 2);
            if (code != COMMAND_CONTINUE)
                return code;
        } else if (dashed && text[0] == '-' && text[1]) {
            return command_usage(command, "there is no flag %s", text);
        } else {
            command->arguments[command->argument_count++] = text;
        }
    }
    return COMMAND_CONTINUE;
}

/* A switch in the environment that is switched off. */
static bool says_no(const char *text)
{
    static const char *const words[] = {"", "0", "off", "no", "false"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

static int environment_parse(struct parser *parser)
{
    struct command *command = parser->command;
    char variable[VARIABLE_SIZE];
    for (command_flag *flag = command->flags; flag && flag->name; flag++) {
        variable_name(command, flag->name, variable);
        const char *text = getenv(variable);
        if (!flag->text && text && (flag->value || !says_no(text)))
            flag->text = text;
    }
    acurast_option_info info;
    acurast_options *options;
    for (size_t index = 0; row_next(command, &index, &info, &options); index++) {
        variable_name(command, info.name, variable);
        const char *value = parser->given[index] ? NULL : getenv(variable);
        if (value && acurast_options_set(options, info.name, value) != ACURAST_OK)
            return command_usage(command, "%s: %s", variable, acurast_options_error(options));
    }
    return COMMAND_CONTINUE;
}

/* Wherever it stands: who asks for help need not have the rest right. */
static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0)
            return true;
    return false;
}

int command_parse(struct command *command, int argc, char **argv)
{
    if (wants_help(argc, argv)) {
        help_print(command);
        return COMMAND_OK;
    }
    struct parser parser = {.command = command, .argc = argc, .argv = argv, .next = 1};
    int code = line_parse(&parser);
    return code == COMMAND_CONTINUE ? environment_parse(&parser) : code;
}
