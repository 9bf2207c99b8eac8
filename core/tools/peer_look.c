/* acurast-peer look: which recipients are here, as the service says. */
#include "peer.h"
#include "print.h"
#include "talk.h"

#include <stdio.h>
#include <string.h>

enum {
    LOOK_KEY,
    LOOK_TIMEOUT,
    LOOK_JSON,
    LOOK_FLAGS
};

static struct looking {
    struct talk talk;
    command_flag flags[LOOK_FLAGS + 1];
    uint8_t ids[ACURAST_LOOK_MAX][ACURAST_ID_SIZE];
    size_t count;
} looking = {.flags = {{"key", "FILE", "Whose identity to use", NULL},
                       {"timeout", "TIME", "For all of it, in seconds or with a unit (default 10s; 0: for ever)", NULL},
                       {"json", NULL, "Print one object a line", NULL},
                       {NULL, NULL, NULL, NULL}}};

static int look_prepare(struct talk *talk, struct command *command)
{
    talk->json = looking.flags[LOOK_JSON].text;
    int code = talk_set_deadline(talk, command, looking.flags[LOOK_TIMEOUT].text, "10s");
    if (code == COMMAND_CONTINUE && !command->argument_count)
        code = command_usage(command, "one recipient or more, please");
    while (code == COMMAND_CONTINUE && command->argument_count) {
        if (looking.count == ACURAST_LOOK_MAX)
            return command_usage(command, "%d recipients at most", ACURAST_LOOK_MAX);
        code = talk_take_recipient(command, NULL, looking.ids[looking.count++]);
    }
    return code;
}

static int look_begin(struct talk *talk)
{
    acurast_send_params params = {.size = sizeof params, .timeout_ms = talk_left_ms(talk)};
    acurast_status status = acurast_client_look(talk->client, looking.ids[0], looking.count, &params, NULL);
    return talk_taken("looking", status);
}

static void print_seen(const struct talk *talk, const acurast_seen *seen)
{
    static const char *const names[] = {"not here", "here", "away"};
    bool has_key = seen->public_key[0];
    if (talk->json) {
        print_json_begin();
        print_json_text("event", "seen");
        print_json_hex("id", seen->id, sizeof seen->id);
        print_json_text("presence", names[seen->presence]);
        if (has_key)
            print_json_hex("public_key", seen->public_key, sizeof seen->public_key);
        print_json_end();
        return;
    }
    print_hex(seen->id, sizeof seen->id);
    printf(" %s", names[seen->presence]);
    if (has_key) {
        putchar(' ');
        print_hex(seen->public_key, sizeof seen->public_key);
    }
    putchar('\n');
}

/* 0 where all are here. */
static int on_seen(const struct talk *talk, const acurast_event_view *event)
{
    int code = COMMAND_OK;
    if (event->status != ACURAST_OK) {
        talk_fail("looking", event->status);
        return event->status == ACURAST_EXPIRED ? TALK_NO_ANSWER : COMMAND_FAILED;
    }
    for (size_t offset = 0; offset < event->payload_size; offset += sizeof(acurast_seen)) {
        acurast_seen seen;
        memcpy(&seen, event->payload + offset, sizeof seen);
        print_seen(talk, &seen);
        if (seen.presence != ACURAST_PRESENCE_HERE)
            code = COMMAND_FAILED;
    }
    return code;
}

static int look_event(struct talk *talk, const acurast_event_view *event)
{
    return event->type == ACURAST_EVENT_SEEN ? on_seen(talk, event) : COMMAND_CONTINUE;
}

int peer_look(int argc, char **argv)
{
    struct command command = {
        .name = "acurast-peer look",
        .environment = "ACURAST_PEER_",
        .synopsis =
            "acurast-peer look --url URL... [--key FILE] RECIPIENT...\n\n"
            "Asks the service which recipients are here. Prints the id of each, then \"here\" with its public key,\n"
            "\"away\" (it has a mailbox), or \"not here\". Ends with 0 if all are here, else with 1.",
        .notes = talk_notes,
        .flags = looking.flags};
    looking.talk.event = look_event;
    looking.talk.over = talk_last_word;
    return talk_main(&looking.talk, &command, argc, argv, &looking.flags[LOOK_KEY].text, look_prepare, look_begin);
}
