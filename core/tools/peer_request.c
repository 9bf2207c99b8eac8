/* acurast-peer request: one request, and its answer. */
#include "foreign.h"
#include "peer.h"
#include "print.h"
#include "talk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TALK_REMOTE_ERROR 4 /* an exit code, beside those of talk.h */

enum {
    REQUEST_KEY,
    REQUEST_TO,
    REQUEST_RETRY,
    REQUEST_PROGRESS,
    REQUEST_TIMEOUT,
    REQUEST_FLAGS
};

static struct requesting {
    struct talk talk;
    command_flag flags[REQUEST_FLAGS + 1];
    uint8_t recipient[ACURAST_ID_SIZE];
    const char *method;
    const char *params; /* NULL: none */
} requesting = {.flags = {{"key", "FILE", "Whose identity to use", NULL},
                          {"to", "RECIPIENT", "Who is asked; else the first argument", NULL},
                          {"retry", NULL, "It may be executed twice, where nobody knows whether it was", NULL},
                          {"progress", NULL, "Print what the recipient tells meanwhile, on standard error", NULL},
                          {"timeout", "TIME", "For all of it, in seconds or with a unit (default 10s)", NULL},
                          {NULL, NULL, NULL, NULL}}};

static int request_prepare(struct talk *talk, struct command *command)
{
    int code = talk_take_recipient(command, requesting.flags[REQUEST_TO].text, requesting.recipient);
    if (code != COMMAND_CONTINUE)
        return code;
    if (command->argument_count < 1 || command->argument_count > 2)
        return command_usage(command, "a method, please, and its params as JSON where it has any");
    requesting.method = command->arguments[0];
    requesting.params = command->argument_count == 2 ? command->arguments[1] : NULL;
    return talk_set_deadline(talk, command, requesting.flags[REQUEST_TIMEOUT].text, "10s");
}

static int request_begin(struct talk *talk)
{
    const char *params = requesting.params;
    acurast_request_params settings = {.size = sizeof settings,
                                       .timeout_ms = talk_left_ms(talk),
                                       .retry = requesting.flags[REQUEST_RETRY].text != NULL};
    acurast_status status =
        acurast_client_request(talk->client, requesting.recipient, sizeof requesting.recipient, requesting.method,
                               params, params ? strlen(params) : 0, &settings, NULL);
    if (status == ACURAST_INVALID) {
        foreign_tell("acurast-peer: the method has 1 to 255 bytes, and the params are an array or an object of JSON");
        return COMMAND_USAGE;
    }
    return status == ACURAST_OK ? COMMAND_CONTINUE : talk_fail("asking", status);
}

static void print_value(FILE *stream, const acurast_event_view *event)
{
    foreign_json(stream, event->payload, event->payload_size);
    fputc('\n', stream);
}

static int on_reply(const acurast_event_view *event)
{
    switch (event->status) {
    case ACURAST_OK:
        print_value(stdout, event);
        return COMMAND_OK;
    case ACURAST_REMOTE_ERROR:
        print_value(stderr, event);
        return TALK_REMOTE_ERROR;
    case ACURAST_TIMEOUT:
    case ACURAST_UNDETERMINED:
        talk_fail("no answer", event->status);
        return TALK_NO_ANSWER;
    default:
        return talk_fail("no answer", event->status);
    }
}

static int request_event(struct talk *talk, const acurast_event_view *event)
{
    (void)talk;
    if (event->type == ACURAST_EVENT_PROGRESS && requesting.flags[REQUEST_PROGRESS].text)
        print_value(stderr, event);
    return event->type == ACURAST_EVENT_REPLY ? on_reply(event) : COMMAND_CONTINUE;
}

int peer_request(int argc, char **argv)
{
    struct command command = {.name = "acurast-peer request",
                              .environment = "ACURAST_PEER_",
                              .synopsis = "acurast-peer request --url URL... [--key FILE] RECIPIENT METHOD [PARAMS]\n\n"
                                          "Asks by JSON-RPC 2.0 and prints the result, as JSON on a line. An error of "
                                          "the recipient goes to standard\n"
                                          "error and ends it with 4; a recipient that is not here is told at once.",
                              .notes = talk_notes,
                              .flags = requesting.flags};
    requesting.talk.event = request_event;
    requesting.talk.over = talk_last_word;
    return talk_main(&requesting.talk, &command, argc, argv, &requesting.flags[REQUEST_KEY].text, request_prepare,
                     request_begin);
}
