/*
 * One program of the chaos test: a client that sends to others, or is sent to, or both, and says all of it in its journal.
 *
 *   chaos_peer --url URL --secret HEX --name NAME --journal FILE --seed N [--to ID,ID] [--delivery callback|queue]
 *              [--rate N] [--open N] [--life SECONDS] [--plain yes] [--option NAME=VALUE ...]
 *
 * It takes words from standard input, one a line: send, quiet (no more sends), hold and go (reads nothing for a while), finish (ends once
 * all sends have their outcome), close (ends at once) and peace (it is only noted). The end of the input is a close. It ends by itself when its client does, and
 * with 4 where it has lived longer than it may: whatever it waits for has not come.
 *
 * The main thread sends; events come on the library's thread, or on the main thread by a queue.
 */
#include "journal.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    RECIPIENTS_MAX = 32,
    OPTIONS_MAX = 32,
    RECENT = 64, /* operations that may be cancelled */
    BURST = 64,  /* sends in one turn */
    TURN_MS = 5,
    BATCH = 64, /* events taken from a queue at once */
    QUEUE_EVENTS = 256,
    PAYLOAD_MAX = 128 * 1024,
    END_MS = 10000
};

typedef struct chaos_settings {
    const char *url, *secret, *name, *journal, *delivery, *to;
    const char *options[OPTIONS_MAX];
    size_t option_count;
    uint64_t seed, rate, open, life;
    bool plain; /* no levels, no looks: what the vendor's client can do */
} chaos_settings;

static struct peer {
    chaos_settings settings;
    acurast_context *context;
    acurast_client *client;
    acurast_queue *queue;
    uint8_t to[RECIPIENTS_MAX][ACURAST_ID_SIZE];
    size_t to_count;
    uint64_t next, random;
    uint64_t recent[RECENT];
    bool sending, held, finishing;
    atomic_uint open; /* sends and looks without an outcome */
    atomic_bool closed;
    uint8_t payload[PAYLOAD_MAX];
} peer;

/* ---- small things ---- */

static void die(const char *what, acurast_status status)
{
    fprintf(stderr, "chaos_peer: %s: %s\n", what, acurast_status_name(status));
    exit(2);
}

static void must(acurast_status status, const char *what)
{
    if (status != ACURAST_OK)
        die(what, status);
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* xorshift64* */
static uint64_t any(uint64_t below)
{
    peer.random ^= peer.random >> 12;
    peer.random ^= peer.random << 25;
    peer.random ^= peer.random >> 27;
    return (peer.random * 0x2545F4914F6CDD1DULL >> 11) % below;
}

/* ---- what comes ---- */

static void on_outcome(const acurast_event_view *event)
{
    journal_say("O %" PRIu64 " %s %d", event->token, acurast_status_name(event->status), (int)event->reached);
    atomic_fetch_sub(&peer.open, 1);
}

static void on_seen(const acurast_event_view *event)
{
    journal_say("V %" PRIu64 " %s", event->token, acurast_status_name(event->status));
    atomic_fetch_sub(&peer.open, 1);
}

static void on_gone(const acurast_event_view *event)
{
    char who[2 * ACURAST_ID_SIZE + 1];
    journal_hex(who, event->sender, ACURAST_ID_SIZE);
    journal_say("G %s %d", who, (int)event->presence);
}

static void on_state(const acurast_event_view *event)
{
    journal_say("T %d %s %u", (int)event->state, acurast_status_name(event->status), event->close_code);
    if (event->state == ACURAST_STATE_CLOSED)
        atomic_store(&peer.closed, true);
}

static void on_event(void *user, const acurast_event_view *event)
{
    (void)user;
    switch (event->type) {
    case ACURAST_EVENT_STATE:
        on_state(event);
        break;
    case ACURAST_EVENT_PAYLOAD:
        journal_received(event);
        break;
    case ACURAST_EVENT_OUTCOME:
        on_outcome(event);
        break;
    case ACURAST_EVENT_KEPT:
        journal_say("K %" PRIu64, event->token);
        break;
    case ACURAST_EVENT_SEEN:
        on_seen(event);
        break;
    case ACURAST_EVENT_GONE:
        on_gone(event);
        break;
    default:
        break;
    }
}

static void drain_queue(void)
{
    acurast_event_view views[BATCH];
    size_t count;
    do {
        memset(views, 0, sizeof views[0]);
        views[0].size = sizeof views[0];
        count = 0;
        acurast_status status = acurast_queue_take(peer.queue, views, BATCH, 0, &count);
        if (status != ACURAST_OK)
            return;
        for (size_t i = 0; i < count; i++)
            on_event(NULL, &views[i]);
        acurast_queue_done(peer.queue);
    } while (count == BATCH);
}

/* ---- what goes ---- */

/* Mostly small; some of several reads and writes; seldom one that is larger than the services of this test take. */
static size_t some_size(void)
{
    uint64_t kind = any(100);
    if (kind < 80)
        return (size_t)any(200);
    if (kind < 95)
        return (size_t)any(6000);
    return kind < 99 ? (size_t)any(40000) : (size_t)(PAYLOAD_MAX - 1024 + any(1024));
}

static uint32_t some_timeout(void)
{
    return any(10) ? (uint32_t)(2000 + any(3000)) : (uint32_t)(20 + any(400));
}

static uint32_t some_level(void)
{
    static const uint32_t levels[] = {0, 1, 2, 2, 2};
    return peer.settings.plain ? 0 : levels[any(sizeof levels / sizeof levels[0])];
}

/* The line comes before the call: whatever is given to somebody was said to be sent. */
static void send_one(void)
{
    uint64_t number = ++peer.next, operation = 0;
    const uint8_t *to = peer.to[any(peer.to_count)];
    size_t size = some_size();
    acurast_send_params params = {
        .size = sizeof params, .token = number, .timeout_ms = some_timeout(), .until = some_level()};
    char who[2 * ACURAST_ID_SIZE + 1];
    params.tell_kept = params.until && any(2);
    params.write_now = !params.until && any(2);
    journal_hex(who, to, ACURAST_ID_SIZE);
    journal_fill(peer.payload, &size, peer.settings.name, number, params.until);
    journal_say("S %" PRIu64 " %s %u %zu %u", number, who, params.until, size, params.timeout_ms);
    atomic_fetch_add(&peer.open, 1);
    acurast_status status =
        acurast_client_send(peer.client, to, ACURAST_ID_SIZE, peer.payload, size, &params, &operation);
    if (status == ACURAST_OK && operation) {
        peer.recent[number % RECENT] = operation;
        return;
    }
    peer.recent[number % RECENT] = 0;
    journal_say("%c %" PRIu64 " %s 0", status == ACURAST_OK ? 'O' : 'F', number, acurast_status_name(status));
    atomic_fetch_sub(&peer.open, 1);
}

static void look_one(void)
{
    uint64_t number = ++peer.next, operation;
    peer.recent[number % RECENT] = 0;
    acurast_send_params params = {.size = sizeof params, .token = number, .timeout_ms = some_timeout()};
    journal_say("L %" PRIu64, number);
    atomic_fetch_add(&peer.open, 1);
    acurast_status status = acurast_client_look(peer.client, peer.to[0], peer.to_count, &params, &operation);
    if (status == ACURAST_OK)
        return;
    journal_say("V %" PRIu64 " %s", number, acurast_status_name(status));
    atomic_fetch_sub(&peer.open, 1);
}

static void cancel_one(void)
{
    uint64_t number = peer.next - any(RECENT);
    uint64_t operation = number <= peer.next ? peer.recent[number % RECENT] : 0;
    if (!operation)
        return;
    journal_say("C %" PRIu64, number);
    acurast_client_cancel(peer.client, operation);
}

static void send_some(uint64_t *allowed_from)
{
    uint64_t now = now_ms();
    for (int i = 0; i < BURST && *allowed_from <= now && atomic_load(&peer.open) < peer.settings.open; i++) {
        *allowed_from += 1 + any(2000 / peer.settings.rate + 1);
        send_one();
        if (!any(50))
            cancel_one();
        if (!any(100) && !peer.settings.plain)
            look_one();
    }
    if (*allowed_from + 1000 < now)
        *allowed_from = now;
}

/* ---- the driver's words ---- */

static void set_held(bool held)
{
    peer.held = held;
    if (!peer.queue)
        acurast_client_pause(peer.client, held);
}

static void obey(const char *word)
{
    journal_say("W %s", word);
    if (strcmp(word, "send") == 0 || strcmp(word, "quiet") == 0)
        peer.sending = word[0] == 's';
    else if (strcmp(word, "hold") == 0 || strcmp(word, "go") == 0)
        set_held(word[0] == 'h');
    else if (strcmp(word, "peace") == 0)
        return;
    else if (strcmp(word, "finish") == 0)
        peer.finishing = true;
    else if (strcmp(word, "close") == 0)
        acurast_client_close(peer.client);
    else
        die(word, ACURAST_INVALID);
    if (peer.finishing || word[0] == 'c') {
        peer.sending = false;
        if (peer.held)
            set_held(false);
    }
}

/* False at the end of the input. */
static bool listen_to_driver(void)
{
    static char words[256];
    static size_t have;
    ssize_t got = read(STDIN_FILENO, words + have, sizeof words - 1 - have);
    if (got <= 0)
        return got < 0 && errno == EINTR;
    have += (size_t)got;
    words[have] = '\0';
    char *begin = words, *end;
    while ((end = strchr(begin, '\n'))) {
        *end = '\0';
        obey(begin);
        begin = end + 1;
    }
    have = strlen(begin);
    memmove(words, begin, have);
    return true;
}

/* ---- the whole ---- */

static void check_life(uint64_t born)
{
    if (now_ms() - born < peer.settings.life * 1000)
        return;
    journal_say("X open=%u state=%d", atomic_load(&peer.open), (int)acurast_client_state(peer.client));
    _exit(4);
}

static void live(void)
{
    struct pollfd polled[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
    uint64_t born = now_ms(), allowed_from = born;
    while (!atomic_load(&peer.closed)) {
        polled[1].fd = peer.queue && !peer.held ? acurast_queue_descriptor(peer.queue) : -1;
        poll(polled, 2, TURN_MS);
        if (polled[0].revents && !listen_to_driver()) {
            acurast_client_close(peer.client);
            polled[0].fd = -1;
        }
        if (peer.queue && !peer.held)
            drain_queue();
        if (peer.sending && peer.to_count)
            send_some(&allowed_from);
        if (peer.finishing && !atomic_load(&peer.open)) {
            peer.finishing = false;
            acurast_client_close(peer.client);
        }
        check_life(born);
    }
}

static acurast_options *client_options(void)
{
    acurast_options *options;
    must(acurast_options_create(ACURAST_SCOPE_CLIENT, &options), "options");
    must(acurast_options_set(options, "url", peer.settings.url), "url");
    for (size_t i = 0; i < peer.settings.option_count; i++) {
        char name[64];
        const char *value = strchr(peer.settings.options[i], '=');
        if (!value || (size_t)(value - peer.settings.options[i]) >= sizeof name)
            die(peer.settings.options[i], ACURAST_INVALID);
        snprintf(name, sizeof name, "%.*s", (int)(value - peer.settings.options[i]), peer.settings.options[i]);
        must(acurast_options_set(options, name, value + 1), peer.settings.options[i]);
    }
    return options;
}

static void begin(void)
{
    acurast_identity *identity;
    char who[2 * ACURAST_ID_SIZE + 1];
    must(acurast_identity_from_secret(ACURAST_KEY_P256, peer.settings.secret, strlen(peer.settings.secret), &identity),
         "secret");
    must(acurast_context_create(NULL, &peer.context), "context");
    acurast_options *options = client_options();
    must(acurast_client_create(peer.context, options, identity, &peer.client), "client");
    if (strcmp(peer.settings.delivery, "queue") == 0) {
        must(acurast_queue_create(peer.context, QUEUE_EVENTS, 0, &peer.queue), "queue");
        must(acurast_client_set_queue(peer.client, peer.queue, 0), "queue");
    } else {
        must(acurast_client_set_callback(peer.client, on_event, NULL, NULL), "callback");
    }
    journal_hex(who, acurast_client_id(peer.client), ACURAST_ID_SIZE);
    journal_say("B %s %s", peer.settings.name, who);
    must(acurast_client_connect(peer.client), "connect");
    acurast_options_release(options);
    acurast_identity_release(identity);
}

static void end(void)
{
    acurast_client_stats stats = {.size = sizeof stats};
    if (peer.queue)
        drain_queue();
    acurast_client_get_stats(peer.client, &stats);
    acurast_client_release(peer.client);
    acurast_context_close(peer.context);
    must(acurast_context_wait(peer.context, END_MS), "the end of the context");
    acurast_context_release(peer.context);
    acurast_queue_release(peer.queue);
    journal_say("E %u %" PRId64 " %" PRIu64 " %" PRIu64 " %" PRIu64, atomic_load(&peer.open), acurast_live_objects(),
                stats.connections, stats.repeats, stats.foreign_receipts);
}

static void read_recipients(const char *list)
{
    while (*list) {
        size_t length = strcspn(list, ",");
        if (peer.to_count == RECIPIENTS_MAX)
            die("too many recipients", ACURAST_INVALID);
        must(acurast_id_of(list, length, peer.to[peer.to_count++]), "recipient");
        list += length + (list[length] == ',');
    }
}

static const char **text_setting(const char *flag)
{
    chaos_settings *settings = &peer.settings;
    struct {
        const char *flag;
        const char **value;
    } flags[] = {
        {"--url", &settings->url},         {"--secret", &settings->secret},     {"--name", &settings->name},
        {"--journal", &settings->journal}, {"--delivery", &settings->delivery}, {"--to", &settings->to},
    };
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (strcmp(flag, flags[i].flag) == 0)
            return flags[i].value;
    return NULL;
}

static void set(const char *flag, const char *value)
{
    chaos_settings *settings = &peer.settings;
    const char **text = text_setting(flag);
    if (text)
        *text = value;
    else if (strcmp(flag, "--seed") == 0)
        settings->seed = strtoull(value, NULL, 10);
    else if (strcmp(flag, "--rate") == 0)
        settings->rate = strtoull(value, NULL, 10);
    else if (strcmp(flag, "--open") == 0)
        settings->open = strtoull(value, NULL, 10);
    else if (strcmp(flag, "--life") == 0)
        settings->life = strtoull(value, NULL, 10);
    else if (strcmp(flag, "--plain") == 0)
        settings->plain = strcmp(value, "yes") == 0;
    else if (strcmp(flag, "--option") == 0 && settings->option_count < OPTIONS_MAX)
        settings->options[settings->option_count++] = value;
    else
        die(flag, ACURAST_INVALID);
}

int main(int count, char **words)
{
    peer.settings = (chaos_settings){.delivery = "callback", .to = "", .rate = 100, .open = 64, .life = 300};
    for (int i = 1; i + 1 < count; i += 2)
        set(words[i], words[i + 1]);
    const chaos_settings *settings = &peer.settings;
    if (!settings->url || !settings->secret || !settings->name || !settings->journal || !settings->rate ||
        strlen(settings->name) > JOURNAL_NAME_MAX || count % 2 == 0)
        die("usage: see the head of peer.c", ACURAST_INVALID);
    peer.random = settings->seed * 2 + 1;
    read_recipients(settings->to);
    journal_open(settings->journal);
    begin();
    live();
    end();
    return 0;
}
