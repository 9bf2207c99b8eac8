/* acurast-peer listen: prints what comes, and perhaps sends it back. */
#include "peer.h"
#include "print.h"
#include "talk.h"

#include <stdio.h>

enum {
    LISTEN_KEY,
    LISTEN_ECHO,
    LISTEN_COUNT,
    LISTEN_HEX,
    LISTEN_QUIET,
    LISTEN_TIMEOUT,
    LISTEN_JSON,
    LISTEN_FLAGS
};

static struct listening {
    struct talk talk;
    command_flag flags[LISTEN_FLAGS + 1];
    uint64_t left; /* 0: no limit */
    bool limited;
    bool echo;
    bool quiet;
} listening = {.flags = {{"key", "FILE", "Whose identity to use", NULL},
                         {"echo", NULL, "Send each payload back to its sender", NULL},
                         {"count", "COUNT", "End after so many payloads", NULL},
                         {"hex", NULL, "Print payloads as hexadecimal", NULL},
                         {"quiet", NULL, "Print no payloads", NULL},
                         {"timeout", "TIME", "End after this time, in seconds or with a unit (default: never)", NULL},
                         {"json", NULL, "Print one object a line: states and payloads", NULL},
                         {NULL, NULL, NULL, NULL}}};

static int listen_prepare(struct talk *talk, struct command *command)
{
    talk->json = listening.flags[LISTEN_JSON].text;
    talk->hex = listening.flags[LISTEN_HEX].text;
    listening.echo = listening.flags[LISTEN_ECHO].text;
    listening.quiet = listening.flags[LISTEN_QUIET].text;
    listening.limited = listening.flags[LISTEN_COUNT].text;
    if (!talk_parse_count(listening.flags[LISTEN_COUNT].text, &listening.left) ||
        (listening.limited && !listening.left))
        return command_usage(command, "--count: not a number above 0: %s", listening.flags[LISTEN_COUNT].text);
    if (command->argument_count)
        return command_usage(command, "listen takes no arguments");
    return talk_set_deadline(talk, command, listening.flags[LISTEN_TIMEOUT].text, "0");
}

/* A full outbox empties itself while we wait: the outcomes are not asked for. */
static int send_back(struct talk *talk, const acurast_event_view *event)
{
    acurast_send_params params = {.size = sizeof params, .no_outcome = 1};
    acurast_status status;
    while ((status = acurast_client_send(talk->client, event->sender, ACURAST_ID_SIZE, event->payload,
                                         event->payload_size, &params, NULL)) == ACURAST_OUTBOX_FULL)
        if (!talk_pause(5))
            return COMMAND_OK;
    return talk_taken("sending back", status);
}

static void print_state(const struct talk *talk, const acurast_event_view *event)
{
    bool connected = event->state == ACURAST_STATE_CONNECTED;
    if (!connected && event->state != ACURAST_STATE_DISCONNECTED && event->state != ACURAST_STATE_CLOSED)
        return;
    print_json_begin();
    print_json_text("event", connected                              ? "connected"
                             : event->state == ACURAST_STATE_CLOSED ? "closed"
                                                                    : "disconnected");
    print_json_hex("id", talk->id, sizeof talk->id);
    print_json_hex("public_key", talk->public_key, sizeof talk->public_key);
    print_json_text(connected ? "service" : "reason", event->text);
    if (!connected) {
        print_json_text("status", acurast_status_name(event->status));
        print_json_number("close_code", event->close_code);
        print_json_number("retry_ms", event->retry_ms);
    }
    print_json_end();
}

static int on_listened(struct talk *talk, const acurast_event_view *event)
{
    int code = listening.echo ? send_back(talk, event) : COMMAND_CONTINUE;
    if (!listening.quiet && !talk->json) {
        print_hex(event->sender, ACURAST_ID_SIZE);
        putchar(' ');
    }
    if (!listening.quiet)
        talk_print_payload(talk, event);
    return code == COMMAND_CONTINUE && listening.limited && --listening.left == 0 ? COMMAND_OK : code;
}

static int listen_event(struct talk *talk, const acurast_event_view *event)
{
    if (event->type == ACURAST_EVENT_PAYLOAD)
        return on_listened(talk, event);
    if (event->type == ACURAST_EVENT_STATE && talk->json)
        print_state(talk, event);
    return COMMAND_CONTINUE;
}

static int listen_over(struct talk *talk, int code)
{
    (void)talk;
    return code == TALK_NO_ANSWER && listening.limited ? code : COMMAND_OK;
}

static int listen_begin(struct talk *talk)
{
    (void)talk;
    return COMMAND_CONTINUE;
}

int peer_listen(int argc, char **argv)
{
    struct command command = {
        .name = "acurast-peer listen",
        .environment = "ACURAST_PEER_",
        .synopsis = "acurast-peer listen --url URL... [--key FILE] [--echo] [--count COUNT]\n\n"
                    "Prints what comes, a payload a line behind the sender's id: text with what would steer a\n"
                    "terminal as \\xNN or \\u{N}, else 0x and hexadecimal. Ends with 0 on Ctrl-C.",
        .notes = talk_notes,
        .flags = listening.flags};
    listening.talk.event = listen_event;
    listening.talk.over = listen_over;
    return talk_main(&listening.talk, &command, argc, argv, &listening.flags[LISTEN_KEY].text, listen_prepare,
                     listen_begin);
}
