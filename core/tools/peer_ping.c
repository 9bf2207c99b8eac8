/*
 * acurast-peer ping: payloads to a peer that sends them back. Each carries a number of
 * this run, so that strangers' payloads and late ones of an earlier run do not count.
 */
#include "peer.h"
#include "print.h"
#include "talk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTSTANDING 1024u
#define SAMPLES_MAX ((size_t)1 << 20)

enum {
    PING_KEY,
    PING_TO,
    PING_COUNT,
    PING_INTERVAL,
    PING_TIMEOUT,
    PING_JSON,
    PING_FLAGS
};

struct ping {
    uint64_t run;
    uint64_t sequence;
};

static struct pinging {
    struct talk talk;
    command_flag flags[PING_FLAGS + 1];
    uint8_t recipient[ACURAST_ID_SIZE];
    uint64_t run;
    uint64_t count; /* 0: no end */
    uint64_t interval_us;
    uint64_t timeout_us;
    uint64_t sent;
    uint64_t received;
    uint64_t sent_us[OUTSTANDING]; /* by sequence; 0: answered */
    uint64_t *samples;
    size_t capacity;
} pinging = {
    .interval_us = 1000000,
    .count = 5,
    .flags = {{"key", "FILE", "Whose identity to use", NULL},
              {"to", "RECIPIENT", "A peer that sends back what it gets; else the first argument", NULL},
              {"count", "COUNT", "How many (default 5; 0: until Ctrl-C)", NULL},
              {"interval", "TIME", "Between two, in seconds or with a unit (default 1s)", NULL},
              {"timeout", "TIME", "How long to wait for a service, and for the last answer (default 10s)", NULL},
              {"json", NULL, "Print one object a line: each answer, then the summary", NULL},
              {NULL, NULL, NULL, NULL}}};

static int ping_prepare(struct talk *talk, struct command *command)
{
    const command_flag *flags = pinging.flags;
    talk->json = flags[PING_JSON].text;
    if (!talk_parse_count(flags[PING_COUNT].text, &pinging.count))
        return command_usage(command, "--count: not a number: %s", flags[PING_COUNT].text);
    if (!command_parse_time(flags[PING_INTERVAL].text, &pinging.interval_us))
        return command_usage(command, "--interval: not a time: %s", flags[PING_INTERVAL].text);
    int code = talk_take_recipient(command, flags[PING_TO].text, pinging.recipient);
    if (code == COMMAND_CONTINUE && command->argument_count)
        code = command_usage(command, "one recipient, please");
    if (code == COMMAND_CONTINUE)
        code = talk_set_deadline(talk, command, flags[PING_TIMEOUT].text, "10s");
    pinging.timeout_us = talk->deadline_us ? talk->deadline_us - talk_now_us() : 0;
    return code;
}

static int ping_begin(struct talk *talk)
{
    (void)talk;
    pinging.run = talk_now_us() ^ ((uint64_t)(uintptr_t)pinging.talk.client << 16);
    return COMMAND_CONTINUE;
}

static int ping_send(struct talk *talk)
{
    acurast_send_params params = {.size = sizeof params, .no_outcome = 1};
    struct ping ping = {.run = pinging.run, .sequence = pinging.sent};
    uint64_t now = talk_now_us();
    bool last = pinging.count && pinging.sent + 1 >= pinging.count;
    pinging.sent_us[ping.sequence % OUTSTANDING] = now;
    acurast_status status = acurast_client_send(talk->client, pinging.recipient, sizeof pinging.recipient, &ping,
                                                sizeof ping, &params, NULL);
    if (status != ACURAST_OK && status != ACURAST_OUTBOX_FULL) {
        talk->wake_us = 0;
        return talk_taken("sending", status);
    }
    pinging.sent++;
    talk->wake_us = last ? 0 : now + (pinging.interval_us ? pinging.interval_us : 1);
    talk->deadline_us = last && pinging.timeout_us ? now + pinging.timeout_us : 0;
    return COMMAND_CONTINUE;
}

static void keep_sample(uint64_t us)
{
    if (pinging.received == pinging.capacity && pinging.capacity < SAMPLES_MAX) {
        size_t larger = pinging.capacity ? 2 * pinging.capacity : 64;
        uint64_t *moved = realloc(pinging.samples, larger * sizeof *moved);
        if (moved) {
            pinging.samples = moved;
            pinging.capacity = larger;
        }
    }
    if (pinging.received < pinging.capacity)
        pinging.samples[pinging.received] = us;
    pinging.received++;
}

static void print_pong(const struct talk *talk, uint64_t sequence, uint64_t us)
{
    if (talk->json) {
        print_json_begin();
        print_json_text("event", "pong");
        print_json_number("sequence", (long long)sequence);
        print_json_milliseconds("ms", us);
        print_json_end();
    } else {
        printf("sequence %" PRIu64 ": %.3f ms\n", sequence, (double)us / 1000);
    }
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Percent `p` of `n` sorted samples: the nearest rank. */
static uint64_t percentile(const uint64_t *samples, size_t n, size_t p)
{
    size_t rank = (n * p + 99) / 100;
    return samples[rank ? rank - 1 : 0];
}

static void print_summary(const struct talk *talk)
{
    size_t n = pinging.received < pinging.capacity ? (size_t)pinging.received : pinging.capacity;
    uint64_t *samples = pinging.samples;
    if (n)
        qsort(samples, n, sizeof *samples, compare);
    if (talk->json) {
        print_json_begin();
        print_json_text("event", "summary");
        print_json_number("sent", (long long)pinging.sent);
        print_json_number("received", (long long)pinging.received);
        if (n) {
            print_json_milliseconds("min_ms", samples[0]);
            print_json_milliseconds("median_ms", percentile(samples, n, 50));
            print_json_milliseconds("p99_ms", percentile(samples, n, 99));
            print_json_milliseconds("max_ms", samples[n - 1]);
        }
        print_json_end();
        return;
    }
    printf("%" PRIu64 " sent, %" PRIu64 " answered", pinging.sent, pinging.received);
    if (n)
        printf("; min %.3f ms, median %.3f ms, p99 %.3f ms, max %.3f ms", (double)samples[0] / 1000,
               (double)percentile(samples, n, 50) / 1000, (double)percentile(samples, n, 99) / 1000,
               (double)samples[n - 1] / 1000);
    putchar('\n');
}

static int ping_over(struct talk *talk, int code)
{
    if (pinging.sent)
        print_summary(talk);
    if (pinging.sent && pinging.received == pinging.sent)
        return COMMAND_OK;
    return talk_last_word(talk, code == COMMAND_FAILED ? COMMAND_FAILED : TALK_NO_ANSWER);
}

static int on_pong(struct talk *talk, const struct ping *ping)
{
    uint64_t *sent_us = &pinging.sent_us[ping->sequence % OUTSTANDING];
    bool known = ping->run == pinging.run && ping->sequence < pinging.sent && *sent_us &&
                 pinging.sent - ping->sequence <= OUTSTANDING;
    if (!known)
        return COMMAND_CONTINUE;
    uint64_t us = talk_now_us() - *sent_us;
    *sent_us = 0;
    keep_sample(us);
    print_pong(talk, ping->sequence, us);
    return pinging.count && pinging.received == pinging.count ? ping_over(talk, COMMAND_OK) : COMMAND_CONTINUE;
}

static int ping_event(struct talk *talk, const acurast_event_view *event)
{
    struct ping ping;
    if (event->type == ACURAST_EVENT_STATE && event->state == ACURAST_STATE_CONNECTED && !pinging.sent)
        return ping_send(talk);
    if (event->type != ACURAST_EVENT_PAYLOAD || event->payload_size != sizeof ping ||
        memcmp(event->sender, pinging.recipient, sizeof pinging.recipient) != 0)
        return COMMAND_CONTINUE;
    memcpy(&ping, event->payload, sizeof ping);
    return on_pong(talk, &ping);
}

int peer_ping(int argc, char **argv)
{
    struct command command = {.name = "acurast-peer ping",
                              .environment = "ACURAST_PEER_",
                              .synopsis =
                                  "acurast-peer ping --url URL... [--key FILE] --to RECIPIENT [--count COUNT]\n\n"
                                  "Measures round trips to a peer that sends back what it gets, such as\n"
                                  "acurast-peer listen --echo. Ends with 0 if every ping was answered.",
                              .notes = talk_notes,
                              .flags = pinging.flags};
    pinging.talk.event = ping_event;
    pinging.talk.tick = ping_send;
    pinging.talk.over = ping_over;
    int code = talk_main(&pinging.talk, &command, argc, argv, &pinging.flags[PING_KEY].text, ping_prepare, ping_begin);
    free(pinging.samples);
    return code;
}
