/* acurast-peer send: one payload, and perhaps the answers to it. */
#include "foreign.h"
#include "keyfile.h"
#include "peer.h"
#include "print.h"
#include "talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAYLOAD_MAX ((size_t)1024 * 1024 * 1024)

enum {
    SEND_KEY,
    SEND_TO,
    SEND_FILE,
    SEND_HEX,
    SEND_UNTIL,
    SEND_WAIT,
    SEND_TIMEOUT,
    SEND_JSON,
    SEND_FLAGS
};

static struct sending {
    struct talk talk;
    command_flag flags[SEND_FLAGS + 1];
    uint8_t recipient[ACURAST_ID_SIZE];
    unsigned char *payload;
    size_t size;
    uint64_t wait;
    acurast_level until;
    bool sent;
} sending = {.flags = {{"key", "FILE", "Whose identity to use", NULL},
                       {"to", "RECIPIENT", "Who gets it; else the first argument", NULL},
                       {"file", "FILE", "Send this file; - is standard input, also without a payload", NULL},
                       {"hex", NULL, "The payload is hexadecimal, and answers are printed so", NULL},
                       {"until", "LEVEL", "How far it must get: written (default), relayed or delivered", NULL},
                       {"wait", "COUNT", "Wait for so many answers from the recipient and print them", NULL},
                       {"timeout", "TIME", "For all of it, in seconds or with a unit (default 30s; 0: for ever)", NULL},
                       {"json", NULL, "Print one object a line: sent, then each answer", NULL},
                       {NULL, NULL, NULL, NULL}}};

static int hex_digit(unsigned char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* In place; blanks are skipped, a leading 0x as well. */
static bool unhex(unsigned char *bytes, size_t *size)
{
    size_t digits = 0, from = *size >= 2 && bytes[0] == '0' && (bytes[1] | 32) == 'x' ? 2 : 0;
    for (size_t i = from; i < *size; i++) {
        int value = hex_digit(bytes[i]);
        if (value < 0 && !strchr(" \t\r\n", bytes[i]))
            return false;
        if (value < 0)
            continue;
        bytes[digits / 2] = (unsigned char)(digits % 2 ? bytes[digits / 2] | value : value << 4);
        digits++;
    }
    *size = digits / 2;
    return digits % 2 == 0;
}

static int send_payload(struct command *command)
{
    const char *file = sending.flags[SEND_FILE].text;
    if (command->argument_count > 1 || (file && command->argument_count))
        return command_usage(command, "one payload, please");
    if (!command->argument_count) {
        if (!keyfile_slurp(file ? file : "-", PAYLOAD_MAX, &sending.payload, &sending.size))
            return COMMAND_FAILED;
    } else {
        sending.size = strlen(command->arguments[0]);
        sending.payload = (unsigned char *)strdup(command->arguments[0]);
        if (!sending.payload)
            return talk_fail("the payload", ACURAST_NO_MEMORY);
    }
    if (sending.talk.hex && !unhex(sending.payload, &sending.size))
        return command_usage(command, "the payload is not hexadecimal");
    return COMMAND_CONTINUE;
}

static const char *const levels[] = {"written", "relayed", "delivered"};

static bool parse_level(const char *text, acurast_level *level)
{
    for (size_t i = 0; text && i < sizeof levels / sizeof *levels; i++)
        if (strcmp(text, levels[i]) == 0) {
            *level = (acurast_level)i;
            return true;
        }
    return !text;
}

static int send_prepare(struct talk *talk, struct command *command)
{
    talk->json = sending.flags[SEND_JSON].text;
    talk->hex = sending.flags[SEND_HEX].text;
    if (!talk_parse_count(sending.flags[SEND_WAIT].text, &sending.wait))
        return command_usage(command, "--wait: not a number: %s", sending.flags[SEND_WAIT].text);
    if (!parse_level(sending.flags[SEND_UNTIL].text, &sending.until))
        return command_usage(command, "--until: written, relayed or delivered, not %s", sending.flags[SEND_UNTIL].text);
    int code = talk_take_recipient(command, sending.flags[SEND_TO].text, sending.recipient);
    if (code == COMMAND_CONTINUE)
        code = talk_set_deadline(talk, command, sending.flags[SEND_TIMEOUT].text, "30s");
    return code == COMMAND_CONTINUE ? send_payload(command) : code;
}

static int send_begin(struct talk *talk)
{
    acurast_send_params params = {.size = sizeof params, .until = (uint32_t)sending.until, .tell_kept = 1};
    if (sending.until != ACURAST_LEVEL_WRITTEN) /* so that its outcome, not the clock, has the last word */
        params.timeout_ms = talk_left_ms(talk);
    acurast_status status = acurast_client_send(talk->client, sending.recipient, sizeof sending.recipient,
                                                sending.payload, sending.size, &params, NULL);
    return talk_taken("sending", status);
}

/* Where the client closed by itself, its last event tells why. */
static int on_sent(const struct talk *talk, acurast_status status, acurast_level reached)
{
    if (status == ACURAST_CLOSED)
        return COMMAND_CONTINUE;
    if (status != ACURAST_OK) {
        talk_fail(status == ACURAST_UNDETERMINED ? "sent" : "not sent", status);
        return status == ACURAST_EXPIRED || status == ACURAST_UNDETERMINED ? TALK_NO_ANSWER : COMMAND_FAILED;
    }
    if (reached < sending.until)
        foreign_tell("acurast-peer: relayed: the recipient cannot tell whether it was delivered");
    if (talk->json) {
        print_json_begin();
        print_json_text("event", "sent");
        print_json_text("reached", levels[reached]);
        print_json_hex("recipient", sending.recipient, sizeof sending.recipient);
        print_json_number("size", (long long)sending.size);
        print_json_end();
    }
    sending.sent = true;
    return COMMAND_CONTINUE;
}

static int send_event(struct talk *talk, const acurast_event_view *event)
{
    int code = COMMAND_CONTINUE;
    if (event->type == ACURAST_EVENT_OUTCOME)
        code = on_sent(talk, event->status, event->reached);
    if (event->type == ACURAST_EVENT_KEPT)
        foreign_tell("acurast-peer: the recipient is away; it waits in its mailbox");
    bool answer = event->type == ACURAST_EVENT_PAYLOAD && sending.wait &&
                  memcmp(event->sender, sending.recipient, sizeof sending.recipient) == 0;
    if (answer) {
        talk_print_payload(talk, event);
        sending.wait--;
    }
    return code == COMMAND_CONTINUE && sending.sent && !sending.wait ? COMMAND_OK : code;
}

int peer_send(int argc, char **argv)
{
    struct command command = {
        .name = "acurast-peer send",
        .environment = "ACURAST_PEER_",
        .synopsis =
            "acurast-peer send --url URL... [--key FILE] --to RECIPIENT [PAYLOAD | --file FILE]\n\n"
            "Sends one payload and ends when its last byte was written, when it got as far as --until says, or after\n"
            "--wait answers, which are printed a line each, as acurast-peer listen does; --hex or --json print\n"
            "every byte.",
        .notes = talk_notes,
        .flags = sending.flags};
    sending.talk.event = send_event;
    sending.talk.over = talk_last_word;
    int code = talk_main(&sending.talk, &command, argc, argv, &sending.flags[SEND_KEY].text, send_prepare, send_begin);
    free(sending.payload);
    return code;
}
