/*
 * A command of acurast-peer that talks to a service: it is told the events of one
 * client, and says when it is over by returning an exit code. Ctrl-C and the time allowed end it too.
 */
#ifndef ACURAST_TOOLS_TALK_H
#define ACURAST_TOOLS_TALK_H

#include "command.h"

#include <acurast/acurast.h>

#include <stdbool.h>
#include <stdint.h>

#define TALK_NO_ANSWER 3 /* an exit code, beside those of command.h */

/* What --help of every command ends with. */
extern const char talk_notes[];

struct talk {
    bool json;
    bool hex;
    uint64_t deadline_us; /* 0: none */
    uint64_t wake_us;     /* when `tick` wants to run next; 0: not */
    uint8_t id[ACURAST_ID_SIZE];
    uint8_t public_key[ACURAST_PUBLIC_KEY_SIZE];
    acurast_identity *identity;
    acurast_context *context;
    acurast_queue *queue;
    acurast_client *client;
    char complaint[320]; /* what was told last about a service that is away; empty since the last connection */
    bool late;           /* the time is over */
    unsigned repeated;   /* and how often that was so again, which is not told each time */

    /* Each returns COMMAND_CONTINUE or the exit code; all but `event` may be NULL. */
    int (*event)(struct talk *talk, const acurast_event_view *event);
    int (*tick)(struct talk *talk);
    int (*over)(struct talk *talk, int code); /* the time is over, or it was interrupted: the last word */
    void (*closing)(void);                    /* before the client is closed; may be NULL */
    void *data;                               /* the command's own */
};

/*
 * One command line, from its flags to its exit code. `key` is where its flag --key puts the file's name. `prepare` reads the flags,
 * before anything is opened; `begin` runs once the client was told to connect.
 */
int talk_main(struct talk *talk, struct command *command, int argc, char **argv, const char *const *key,
              int (*prepare)(struct talk *talk, struct command *command), int (*begin)(struct talk *talk));

/* The recipient from --to, or from the first argument, which is then used up. */
int talk_take_recipient(struct command *command, const char *to, uint8_t id[ACURAST_ID_SIZE]);

/* The same for 1 to `max`, separated by commas; room for `max` ids. */
int talk_take_recipients(struct command *command, const char *to, uint8_t *ids, size_t max, size_t *count);

/* The flag --timeout, or `standard` where it was not given. */
int talk_set_deadline(struct talk *talk, const struct command *command, const char *text, const char *standard);

/* Milliseconds that are left for all of it, at least 1; 0: there is no end. */
uint32_t talk_left_ms(const struct talk *talk);

/* An `over` that tells what did not come in time. */
int talk_last_word(struct talk *talk, int code);

/* A payload as a result on a line: with --json an object, with --hex hexadecimal, else as print_payload() has it. */
void talk_print_payload(const struct talk *talk, const acurast_event_view *event);

/* Waits for `ms`; false if Ctrl-C came. */
bool talk_pause(int ms);

/* Goes on where a call of the client's was taken, and where the client has closed by itself: the event that tells why is on its way. */
int talk_taken(const char *what, acurast_status status);

/* Tells what failed; returns COMMAND_FAILED. */
int talk_fail(const char *what, acurast_status status);

/* Microseconds of the monotonic clock. */
uint64_t talk_now_us(void);

/* A number; NULL leaves the value. False for anything else. */
bool talk_parse_count(const char *text, uint64_t *count);

#endif
