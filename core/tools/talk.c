/*
 * The loop of a talk: one poll over the queue's descriptor and a pipe that the signal handler writes to, then whatever came,
 * then what is due.
 */
#include "talk.h"

#include "foreign.h"
#include "keyfile.h"
#include "print.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64u
#define US_PER_MS 1000u

/* How long a goodbye may take behind the end of the time. */
#define LATE_MS 200

static int signal_pipe[2] = {-1, -1};

const char talk_notes[] =
    "Results go to standard output, messages to standard error; --json prints one object a line.\n"
    "A recipient or key is an id (16 bytes) or a public key (33 or 65 bytes), as hexadecimal.\n"
    "Without --key a new key is made, used, and forgotten.\n\n"
    "Exit codes: 0 done; 1 failed; 2 wrong usage; 3 no service or no answer in time; 4 the answer is an error.";

uint64_t talk_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint32_t talk_left_ms(const struct talk *talk)
{
    uint64_t now = talk_now_us(), left = talk->deadline_us > now ? (talk->deadline_us - now) / US_PER_MS : 0;
    if (!talk->deadline_us)
        return 0;
    return left == 0 ? 1 : left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
}

int talk_fail(const char *what, acurast_status status)
{
    foreign_tell("acurast-peer: %s: %s (%s)", what, acurast_status_text(status), acurast_status_name(status));
    return COMMAND_FAILED;
}

int talk_taken(const char *what, acurast_status status)
{
    return status == ACURAST_OK || status == ACURAST_CLOSED ? COMMAND_CONTINUE : talk_fail(what, status);
}

bool talk_parse_count(const char *text, uint64_t *count)
{
    char *end;
    if (!text)
        return true;
    errno = 0;
    *count = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && !errno;
}

static void on_signal(int number)
{
    char byte = (char)number;
    int kept = errno;
    (void)!write(signal_pipe[1], &byte, 1);
    errno = kept;
}

static bool catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    if (pipe(signal_pipe) != 0)
        return false;
    fcntl(signal_pipe[1], F_SETFL, O_NONBLOCK);
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    return true;
}

static acurast_identity *open_identity(const char *path)
{
    acurast_identity *identity = NULL;
    if (path)
        return keyfile_read(path);
    acurast_status status = acurast_identity_generate(ACURAST_KEY_P256, &identity);
    if (status != ACURAST_OK)
        talk_fail("making a key", status);
    return identity;
}

static int talk_open(struct talk *talk, struct command *command, const char *key, acurast_options *options,
                     acurast_options *context_options)
{
    acurast_status status;
    if (!catch_signals())
        return talk_fail("a pipe", ACURAST_SYSTEM);
    talk->identity = open_identity(key);
    if (!talk->identity)
        return COMMAND_FAILED;
    acurast_identity_id(talk->identity, talk->id);
    acurast_identity_public_key(talk->identity, talk->public_key);
    status = acurast_context_create(context_options, &talk->context);
    if (status == ACURAST_OK)
        status = acurast_queue_create(talk->context, 0, 0, &talk->queue);
    if (status != ACURAST_OK)
        return talk_fail("starting", status);
    status = acurast_client_create(talk->context, options, talk->identity, &talk->client);
    if (status == ACURAST_BAD_OPTION)
        return command_usage(command, "%s", acurast_options_error(options));
    if (status == ACURAST_TLS)
        return talk_fail(acurast_options_error(options), status);
    if (status == ACURAST_OK)
        status = acurast_client_set_queue(talk->client, talk->queue, 0);
    if (status == ACURAST_OK)
        status = acurast_client_connect(talk->client);
    return status == ACURAST_OK ? COMMAND_CONTINUE : talk_fail("connecting", status);
}

/* False where the time is over and something still runs that cannot be hurried, such as the system's resolver. */
static bool talk_close(struct talk *talk)
{
    if (talk->closing)
        talk->closing();
    acurast_client_close(talk->client);
    acurast_client_release(talk->client);
    if (talk->context) {
        acurast_context_close(talk->context);
        if (acurast_context_wait(talk->context, talk->late ? LATE_MS : -1) != ACURAST_OK)
            return false;
    }
    acurast_queue_release(talk->queue);
    acurast_context_release(talk->context);
    acurast_identity_release(talk->identity);
    return true;
}

/* What is wrong again and again is told once. */
static void tell_disconnected(struct talk *talk, const acurast_event_view *event)
{
    char code[32] = "", complaint[sizeof talk->complaint];
    if (event->close_code && !strstr(acurast_status_text(event->status), "(close code"))
        snprintf(code, sizeof code, " (close code %" PRIu32 ")", event->close_code);
    snprintf(complaint, sizeof complaint, "%s%s%s%s", acurast_status_text(event->status), code,
             event->text[0] ? ": " : "", event->text);
    if (strcmp(complaint, talk->complaint) == 0) {
        talk->repeated++;
        return;
    }
    memcpy(talk->complaint, complaint, sizeof complaint);
    foreign_tell("acurast-peer: disconnected: %s; next try in %" PRId64 " ms", complaint, event->retry_ms);
}

static void tell_connected(struct talk *talk, const acurast_event_view *event)
{
    char id[2 * ACURAST_ID_SIZE + 1] = "", tries[48] = "";
    for (size_t i = 0; i < ACURAST_ID_SIZE; i++)
        snprintf(id + 2 * i, 3, "%02x", talk->id[i]);
    if (talk->repeated)
        snprintf(tries, sizeof tries, ", after %u more tries", talk->repeated);
    talk->complaint[0] = 0;
    talk->repeated = 0;
    foreign_tell("acurast-peer: %s connected to %s%s", id, event->text, tries);
}

/* What every command does with an event, before its own. */
static int talk_event(struct talk *talk, const acurast_event_view *event)
{
    if (event->type == ACURAST_EVENT_STATE && event->state == ACURAST_STATE_CONNECTED)
        tell_connected(talk, event);
    if (event->type == ACURAST_EVENT_STATE && event->state == ACURAST_STATE_DISCONNECTED)
        tell_disconnected(talk, event);
    if (event->type == ACURAST_EVENT_LOG && event->level != ACURAST_LOG_WARN) /* the states tell what warnings do */
        foreign_tell("acurast-peer: %s", event->text);
    int code = talk->event(talk, event);
    if (code == COMMAND_CONTINUE && event->type == ACURAST_EVENT_STATE && event->state == ACURAST_STATE_CLOSED)
        code = talk_fail("closed", event->status);
    return code;
}

static int talk_drain(struct talk *talk)
{
    acurast_event_view views[BATCH];
    size_t count;
    int code = COMMAND_CONTINUE;
    views[0].size = sizeof views[0];
    if (acurast_queue_take(talk->queue, views, BATCH, 0, &count) != ACURAST_OK)
        return code;
    for (size_t i = 0; i < count && code == COMMAND_CONTINUE; i++)
        code = talk_event(talk, &views[i]);
    acurast_queue_done(talk->queue);
    return print_flush() ? code : COMMAND_FAILED;
}

/* Milliseconds until the next thing is due, rounded up; -1 for never. */
static int talk_patience(const struct talk *talk)
{
    uint64_t due = talk->deadline_us, now = talk_now_us();
    if (talk->wake_us && (!due || talk->wake_us < due))
        due = talk->wake_us;
    if (!due)
        return -1;
    uint64_t ms = due > now ? (due - now + US_PER_MS - 1) / US_PER_MS : 0;
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

static int talk_run(struct talk *talk)
{
    struct pollfd watched[2] = {{.fd = acurast_queue_descriptor(talk->queue), .events = POLLIN},
                                {.fd = signal_pipe[0], .events = POLLIN}};
    int code = COMMAND_CONTINUE;
    while (code == COMMAND_CONTINUE) {
        poll(watched, 2, talk_patience(talk));
        if (watched[1].revents)
            return talk->over(talk, COMMAND_FAILED);
        code = talk_drain(talk);
        talk->late = talk->deadline_us && talk_now_us() >= talk->deadline_us;
        if (code == COMMAND_CONTINUE && talk->late)
            return talk->over(talk, TALK_NO_ANSWER);
        if (code == COMMAND_CONTINUE && talk->wake_us && talk_now_us() >= talk->wake_us)
            code = talk->tick(talk);
    }
    return code;
}

bool talk_pause(int ms)
{
    struct pollfd watched = {.fd = signal_pipe[0], .events = POLLIN};
    return poll(&watched, 1, ms) == 0;
}

int talk_main(struct talk *talk, struct command *command, int argc, char **argv, const char *const *key,
              int (*prepare)(struct talk *talk, struct command *command), int (*begin)(struct talk *talk))
{
    command_scope scopes[3] = {{ACURAST_SCOPE_CLIENT, NULL}, {ACURAST_SCOPE_CONTEXT, NULL}, {0, NULL}};
    int code = COMMAND_FAILED;
    if (acurast_options_create(ACURAST_SCOPE_CLIENT, &scopes[0].options) == ACURAST_OK &&
        acurast_options_create(ACURAST_SCOPE_CONTEXT, &scopes[1].options) == ACURAST_OK) {
        command->scopes = scopes;
        code = command_parse(command, argc, argv);
        if (code == COMMAND_CONTINUE)
            code = prepare(talk, command);
        if (code == COMMAND_CONTINUE)
            code = talk_open(talk, command, *key, scopes[0].options, scopes[1].options);
        if (code == COMMAND_CONTINUE)
            code = begin(talk);
        if (code == COMMAND_CONTINUE)
            code = talk_run(talk);
        if (!talk_close(talk))
            _exit(print_flush() ? code : COMMAND_FAILED);
    }
    acurast_options_release(scopes[0].options);
    acurast_options_release(scopes[1].options);
    return print_flush() ? code : COMMAND_FAILED;
}

int talk_take_recipients(struct command *command, const char *to, uint8_t *ids, size_t max, size_t *count)
{
    if (!to && command->argument_count) {
        to = command->arguments[0];
        command->arguments++;
        command->argument_count--;
    }
    if (!to)
        return command_usage(command, "name a recipient with --to");
    for (*count = 0; to; (*count)++) {
        size_t size = max > 1 ? strcspn(to, ",") : strlen(to);
        if (*count == max)
            return command_usage(command, "%zu recipients at most", max);
        acurast_status status = acurast_id_of(to, size, ids + *count * ACURAST_ID_SIZE);
        if (status != ACURAST_OK)
            return command_usage(command, "recipient '%.*s': %s", size > 140 ? 140 : (int)size, to,
                                 acurast_status_text(status));
        to = to[size] ? to + size + 1 : NULL;
    }
    return COMMAND_CONTINUE;
}

int talk_take_recipient(struct command *command, const char *to, uint8_t id[ACURAST_ID_SIZE])
{
    size_t count;
    return talk_take_recipients(command, to, id, 1, &count);
}

int talk_set_deadline(struct talk *talk, const struct command *command, const char *text, const char *standard)
{
    uint64_t us = 0;
    if (!command_parse_time(text ? text : standard, &us))
        return command_usage(command, "--timeout: not a time: %s", text);
    talk->deadline_us = us ? talk_now_us() + us : 0;
    return COMMAND_CONTINUE;
}

int talk_last_word(struct talk *talk, int code)
{
    acurast_state state = acurast_client_state(talk->client);
    if (code == TALK_NO_ANSWER)
        foreign_tell("acurast-peer: %s in time", state == ACURAST_STATE_CONNECTED ? "no answer" : "no service");
    return code;
}

void talk_print_payload(const struct talk *talk, const acurast_event_view *event)
{
    if (talk->json) {
        print_json_begin();
        print_json_text("event", "payload");
        print_json_hex("sender", event->sender, ACURAST_ID_SIZE);
        print_json_hex("recipient", event->recipient, ACURAST_ID_SIZE);
        print_json_payload(event->payload, event->payload_size);
        print_json_end();
        return;
    }
    if (talk->hex)
        print_hex(event->payload, event->payload_size);
    else
        print_payload(event->payload, event->payload_size);
    putchar('\n');
}
