/*
 * Command lines of the programs: flags of their own, and every option of the library's table in the scopes that
 * they use, each also as an environment variable. A flag on the command line wins over the environment.
 *
 * --name VALUE and --name=VALUE are the same; -- ends the flags. A list may be given several times. --help and --version are
 * understood by all programs.
 */
#ifndef ACURAST_TOOLS_COMMAND_H
#define ACURAST_TOOLS_COMMAND_H

#include <acurast/acurast.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    COMMAND_CONTINUE = -1, /* not an exit code: the program goes on */
    COMMAND_OK = 0,
    COMMAND_FAILED = 1,
    COMMAND_USAGE = 2
};

/* A flag of the program itself. */
typedef struct command_flag {
    const char *name;  /* without the dashes */
    const char *value; /* what --help calls its value; NULL: a switch, which takes none */
    const char *help;  /* one sentence without a full stop */
    const char *text;  /* set by command_parse(): the value, "on" for a switch, NULL if it was not given */
} command_flag;

/* The library's options of one scope, and where their values go. */
typedef struct command_scope {
    acurast_option_scope scope;
    acurast_options *options;
} command_scope;

struct command {
    const char *name;        /* "acurast-service" */
    const char *environment; /* "ACURAST_SERVICE_" */
    const char *synopsis;    /* what follows "usage:", one or more lines */
    const char *notes;       /* what --help says at its end; may be NULL */
    command_flag *flags;     /* ended by a name of NULL; may be NULL */
    command_scope *scopes;   /* ended by options of NULL; no name is in two of them */
    char **arguments;        /* set by command_parse(): what is not a flag, in order; inside argv */
    size_t argument_count;
};

/*
 * Reads the command line, then the environment. Returns COMMAND_CONTINUE, or the exit code: COMMAND_OK after --help or --version,
 * COMMAND_USAGE after a mistake was told on stderr. Reorders argv.
 */
int command_parse(struct command *command, int argc, char **argv);

/* A time in seconds or with a unit, in microseconds; NULL leaves the value. False for anything else. */
bool command_parse_time(const char *text, uint64_t *us);

/* Tells a mistake in the usage on stderr, printf-like; returns COMMAND_USAGE. */
int command_usage(const struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
