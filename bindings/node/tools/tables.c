/* Prints the core's tables of statuses and options as JSON, for tools/generate.js. */
#include <acurast/acurast.h>

#include <inttypes.h>
#include <stdio.h>

static const char *const scopes[] = {"", "context", "client", "service"};
static const char *const types[] = {"", "bool", "count", "size", "milliseconds", "seconds", "text", "list", "choice"};

/* The tables' texts are plain ASCII without control characters. */
static void print_text(const char *name, const char *text)
{
    printf(", \"%s\": \"", name);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
    putchar('"');
}

static void print_statuses(void)
{
    acurast_status status;
    for (size_t i = 0; acurast_status_at(i, &status) == 0; i++) {
        printf("%s{\"number\": %d, \"retriable\": %s", i ? ",\n" : "", (int)status,
               acurast_status_retriable(status) ? "true" : "false");
        print_text("name", acurast_status_name(status));
        print_text("text", acurast_status_text(status));
        putchar('}');
    }
}

static void print_options(void)
{
    acurast_option_info info;
    for (size_t i = 0; acurast_option_at(i, &info) == ACURAST_OK; i++) {
        printf("%s{\"min\": %" PRId64 ", \"max\": %" PRId64, i ? ",\n" : "", info.min, info.max);
        print_text("name", info.name);
        print_text("scope", scopes[info.scope]);
        print_text("type", types[info.type]);
        print_text("default", info.default_text);
        print_text("choices", info.choices);
        print_text("help", info.help);
        putchar('}');
    }
}

int main(void)
{
    printf("{\"statuses\": [\n");
    print_statuses();
    printf("],\n\"options\": [\n");
    print_options();
    printf("]}\n");
    return 0;
}
