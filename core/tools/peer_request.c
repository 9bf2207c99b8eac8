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
    REQUEST_NEED,
    REQUEST_AGREE,
    REQUEST_RETRY,
    REQUEST_PROGRESS,
    REQUEST_TIMEOUT,
    REQUEST_JSON,
    REQUEST_FLAGS
};

static struct requesting {
    struct talk talk;
    command_flag flags[REQUEST_FLAGS + 1];
    uint8_t ids[ACURAST_REQUEST_MANY_MAX][ACURAST_ID_SIZE];
    size_t count;
    bool many; /* asked as many, be it one */
    uint64_t need;
    const char *method;
    const char *params; /* NULL: none */
} requesting = {
    .flags = {{"key", "FILE", "Whose identity to use", NULL},
              {"to", "RECIPIENT", "Who is asked, or several with commas between them; else the first argument", NULL},
              {"need", "COUNT", "Of several, how many have to answer (default: all)", NULL},
              {"agree", NULL, "And with the same result", NULL},
              {"retry", NULL, "It may be executed twice, where nobody knows whether it was", NULL},
              {"progress", NULL, "Print what the recipient tells meanwhile, on standard error", NULL},
              {"timeout", "TIME", "For all of it, in seconds or with a unit (default 10s)", NULL},
              {"json", NULL, "Of several, print what each said, one object a line", NULL},
              {NULL, NULL, NULL, NULL}}};

static int read_many(struct command *command)
{
    const char *need = requesting.flags[REQUEST_NEED].text;
    requesting.many = requesting.count > 1 || need || requesting.flags[REQUEST_AGREE].text;
    requesting.need = requesting.count;
    if (need && (!talk_parse_count(need, &requesting.need) || !requesting.need || requesting.need > requesting.count))
        return command_usage(command, "--need: not a number from 1 to %zu: %.140s", requesting.count, need);
    return COMMAND_CONTINUE;
}

static int request_prepare(struct talk *talk, struct command *command)
{
    talk->json = requesting.flags[REQUEST_JSON].text;
    int code = talk_take_recipients(command, requesting.flags[REQUEST_TO].text, requesting.ids[0],
                                    ACURAST_REQUEST_MANY_MAX, &requesting.count);
    if (code == COMMAND_CONTINUE)
        code = read_many(command);
    if (code != COMMAND_CONTINUE)
        return code;
    if (command->argument_count < 1 || command->argument_count > 2)
        return command_usage(command, "a method, please, and its params as JSON where it has any");
    requesting.method = command->arguments[0];
    requesting.params = command->argument_count == 2 ? command->arguments[1] : NULL;
    return talk_set_deadline(talk, command, requesting.flags[REQUEST_TIMEOUT].text, "10s");
}

static acurast_status ask_one(struct talk *talk, size_t size)
{
    acurast_request_params settings = {.size = sizeof settings,
                                       .timeout_ms = talk_left_ms(talk),
                                       .retry = requesting.flags[REQUEST_RETRY].text != NULL};
    return acurast_client_request(talk->client, requesting.ids[0], ACURAST_ID_SIZE, requesting.method,
                                  requesting.params, size, &settings, NULL);
}

static acurast_status ask_many(struct talk *talk, size_t size)
{
    acurast_many_params settings = {.size = sizeof settings,
                                    .timeout_ms = talk_left_ms(talk),
                                    .retry = requesting.flags[REQUEST_RETRY].text != NULL,
                                    .need = (uint32_t)requesting.need,
                                    .agree = requesting.flags[REQUEST_AGREE].text != NULL};
    return acurast_client_request_many(talk->client, requesting.ids[0], requesting.count, requesting.method,
                                       requesting.params, size, &settings, NULL);
}

static int request_begin(struct talk *talk)
{
    size_t size = requesting.params ? strlen(requesting.params) : 0;
    acurast_status status = requesting.many ? ask_many(talk, size) : ask_one(talk, size);
    if (status == ACURAST_INVALID) {
        foreign_tell(
            "acurast-peer: the method has 1 to 255 bytes, the params are an array or an object of JSON, and nobody is "
            "asked twice");
        return COMMAND_USAGE;
    }
    return talk_taken("asking", status);
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

static void print_answer(const acurast_answer *answer)
{
    print_json_begin();
    print_json_text("event", "answer");
    print_json_hex("id", answer->id, sizeof answer->id);
    print_json_text("status", acurast_status_name(answer->status));
    if (answer->group)
        print_json_number("group", answer->group);
    if (answer->size)
        print_json_value(answer->status == ACURAST_OK ? "result" : "error", answer->data, answer->size);
    print_json_end();
}

/* Why there is no result. */
static void tell_answer(const acurast_answer *answer)
{
    char id[2 * ACURAST_ID_SIZE + 1];
    for (size_t i = 0; i < sizeof answer->id; i++)
        snprintf(id + 2 * i, 3, "%02x", answer->id[i]);
    fprintf(stderr, "%s: ", id);
    if (answer->size)
        foreign_json(stderr, answer->data, answer->size);
    else
        fputs(acurast_status_text(answer->status), stderr);
    fputc('\n', stderr);
}

static int on_answers(const struct talk *talk, const acurast_event_view *event)
{
    const acurast_answer *answers = (const acurast_answer *)(const void *)event->payload;
    size_t count = event->payload_size / sizeof *answers;
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        const acurast_answer *answer = &answers[i];
        if (talk->json)
            print_answer(answer);
        else if (event->status != ACURAST_OK)
            tell_answer(answer);
        else if (answer->group == 1 && !found) {
            foreign_json(stdout, answer->data, answer->size);
            putchar('\n');
            found = true;
        }
    }
    if (event->status == ACURAST_OK)
        return COMMAND_OK;
    talk_fail("no answer", event->status);
    return event->status == ACURAST_NOT_ENOUGH_ANSWERS ? TALK_NO_ANSWER : COMMAND_FAILED;
}

static int request_event(struct talk *talk, const acurast_event_view *event)
{
    if (event->type == ACURAST_EVENT_ANSWERS)
        return on_answers(talk, event);
    if (event->type == ACURAST_EVENT_PROGRESS && requesting.flags[REQUEST_PROGRESS].text)
        print_value(stderr, event);
    return event->type == ACURAST_EVENT_REPLY ? on_reply(event) : COMMAND_CONTINUE;
}

int peer_request(int argc, char **argv)
{
    struct command command = {
        .name = "acurast-peer request",
        .environment = "ACURAST_PEER_",
        .synopsis = "acurast-peer request --url URL... [--key FILE] RECIPIENT METHOD [PARAMS]\n\n"
                    "Asks by JSON-RPC 2.0 and prints the result, as JSON on a line. An error of "
                    "the recipient goes to standard\n"
                    "error and ends it with 4; a recipient that is not here is told at once.\n\n"
                    "Of several recipients, ID,ID,..., it prints the first result once --need of them have one, or "
                    "with --agree\n"
                    "the one that so many have; what each said instead goes to standard error, and it ends with 3.",
        .notes = talk_notes,
        .flags = requesting.flags};
    requesting.talk.event = request_event;
    requesting.talk.over = talk_last_word;
    return talk_main(&requesting.talk, &command, argc, argv, &requesting.flags[REQUEST_KEY].text, request_prepare,
                     request_begin);
}
