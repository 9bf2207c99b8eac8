/*
 * The client against a service that follows a script: silence, foreign frames, every close code, puzzles of any difficulty,
 * limits. What the deployed service gets wrong is among it.
 */
#include "support/client_kit.h"

#include "base/memory.h"
#include "client/client.h"
#include "crypto/work.h"
#include "net/context.h"
#include "net/listener.h"
#include "wire/extension.h"
#include "wire/frame.h"

#include <stdatomic.h>

enum deed {
    ACCEPT,        /* as a good service does */
    STAY_SILENT,   /* no challenge */
    NEVER_ACCEPT,  /* a challenge, and then nothing */
    CLOSE_AT_INIT, /* with `code` */
    CLOSE_AT_RESPONSE,
    CLOSE_WHEN_ACCEPTED,
    MISDIRECT /* frames that belong to others, before and after */
};

struct script {
    enum deed first; /* on the first connection */
    enum deed later; /* on all others */
    uint16_t code;
    uint8_t difficulty[16];
    bool no_block;
    uint64_t max_frame;
};

struct fake {
    acurast_context *context;
    acurast__member member;
    acurast__listener *listener;
    atomic_bool listener_closed;
    struct script script;
    char url[64];
    atomic_int connections;
    atomic_int open;
    atomic_int inits;
    atomic_int responses;
    atomic_int good_proofs;
    atomic_int payloads;
    atomic_size_t init_size;
};

struct guest {
    struct fake *fake;
    enum deed deed;
    uint8_t id[16];
};

static const uint8_t challenge[16] = "a fine challenge";
static const uint8_t stranger[16] = "somebody else...";

static void say(acurast__ws *ws, acurast__frame_type type, const uint8_t *sender, const uint8_t *recipient,
                const void *body, size_t size)
{
    uint8_t head[ACURAST__HEADER_SIZE];
    acurast__frame_header(head, type, sender, recipient);
    (void)acurast__ws_send2(ws, head, sizeof head, body, size);
}

static void say_challenge(const struct guest *guest, acurast__ws *ws, bool block)
{
    uint8_t body[ACURAST__CHALLENGE_BODY_SIZE + ACURAST__EXTENSION_MAX_SIZE];
    acurast__extension extension = {.max_frame = guest->fake->script.max_frame, .agent = "script"};
    size_t size = ACURAST__CHALLENGE_BODY_SIZE;
    memcpy(body, guest->fake->script.difficulty, 16);
    memcpy(body + 16, challenge, 16);
    if (block && !guest->fake->script.no_block)
        size += acurast__extension_encode(body + size, sizeof body - size, &extension);
    say(ws, ACURAST__FRAME_CHALLENGE, NULL, guest->id, body, size);
}

static void say_foreign_things(const struct guest *guest, acurast__ws *ws)
{
    say(ws, ACURAST__FRAME_PAYLOAD, stranger, guest->id, "before accepted", 15);
    say(ws, ACURAST__FRAME_ACCEPTED, NULL, guest->id, NULL, 0);
    say(ws, (acurast__frame_type)9, NULL, guest->id, "unknown type", 12);
    (void)acurast__ws_send(ws, "short", 5);
}

static void on_init(struct guest *guest, acurast__ws *ws, const acurast__frame *frame, size_t size)
{
    memcpy(guest->id, frame->sender, 16);
    atomic_fetch_add(&guest->fake->inits, 1);
    atomic_store(&guest->fake->init_size, size);
    if (guest->deed == CLOSE_AT_INIT)
        acurast__ws_close(ws, guest->fake->script.code, "as the script says");
    if (guest->deed == MISDIRECT)
        say_foreign_things(guest, ws);
    if (guest->deed != CLOSE_AT_INIT && guest->deed != STAY_SILENT)
        say_challenge(guest, ws, size > ACURAST__HEADER_SIZE);
}

static void check_proof(const struct guest *guest, const acurast__frame *frame)
{
    uint8_t digest[32];
    acurast__response response;
    if (!acurast__response_decode(&response, frame))
        return;
    acurast__work_digest(digest, response.challenge, response.public_key, response.nonce);
    if (acurast__work_meets(digest, guest->fake->script.difficulty))
        atomic_fetch_add(&guest->fake->good_proofs, 1);
}

static void on_response(struct guest *guest, acurast__ws *ws, const acurast__frame *frame)
{
    atomic_fetch_add(&guest->fake->responses, 1);
    check_proof(guest, frame);
    if (guest->deed == NEVER_ACCEPT)
        return;
    if (guest->deed == CLOSE_AT_RESPONSE) {
        acurast__ws_close(ws, guest->fake->script.code, "as the script says");
        return;
    }
    say(ws, ACURAST__FRAME_ACCEPTED, NULL, guest->id, NULL, 0);
    if (guest->deed == CLOSE_WHEN_ACCEPTED)
        acurast__ws_close(ws, guest->fake->script.code, "as the script says");
    if (guest->deed == MISDIRECT) {
        say_challenge(guest, ws, false);
        say(ws, ACURAST__FRAME_ACCEPTED, NULL, guest->id, NULL, 0);
        say(ws, ACURAST__FRAME_PAYLOAD, stranger, stranger, "for another", 11);
        say(ws, ACURAST__FRAME_PAYLOAD, stranger, guest->id, "for you", 7);
    }
}

static void on_guest_message(void *owner, acurast__ws *ws, const uint8_t *bytes, size_t size)
{
    struct guest *guest = owner;
    acurast__frame frame;
    if (!acurast__frame_decode(&frame, bytes, size))
        return;
    if (frame.type == ACURAST__FRAME_INIT)
        on_init(guest, ws, &frame, size);
    else if (frame.type == ACURAST__FRAME_RESPONSE)
        on_response(guest, ws, &frame);
    else
        atomic_fetch_add(&guest->fake->payloads, 1);
}

static void on_guest_closed(void *owner, acurast__ws *ws, const acurast__ws_end *end)
{
    (void)ws;
    (void)end;
    acurast__free(owner);
}

static const acurast__ws_handlers guest_handlers = {.message = on_guest_message, .closed = on_guest_closed};

static acurast__admission fake_admit(void *shard, acurast__peer *peer)
{
    (void)peer;
    atomic_fetch_add(&((struct fake *)shard)->open, 1);
    return ACURAST__ADMISSION_GRANTED;
}

static void *fake_upgrade(void *shard, acurast__ws *ws, acurast__peer *peer, const acurast__request *request,
                          const acurast__ws_handlers **handlers, acurast__ws_settings *settings, unsigned *refuse)
{
    struct fake *fake = shard;
    struct guest *guest = acurast__alloc_zero(sizeof *guest);
    (void)ws, (void)peer, (void)request, (void)refuse;
    guest->fake = fake;
    guest->deed = atomic_fetch_add(&fake->connections, 1) ? fake->script.later : fake->script.first;
    *handlers = &guest_handlers;
    *settings = (acurast__ws_settings){.max_message = 64u << 20};
    return guest;
}

static void fake_page(void *shard, const acurast__peer *peer, const acurast__request *request,
                      acurast__response_page *page)
{
    (void)shard, (void)peer, (void)request;
    page->status = 404;
}

static void fake_left(void *shard, const acurast__peer *peer)
{
    (void)peer;
    atomic_fetch_sub(&((struct fake *)shard)->open, 1);
}

static const acurast__listener_handlers fake_handlers = {
    .admit = fake_admit, .upgrade = fake_upgrade, .page = fake_page, .left = fake_left};

static void member_nothing(acurast__member *member)
{
    (void)member;
}

static void fake_start(struct fake *it, struct script script)
{
    char detail[128];
    memset(it, 0, sizeof *it);
    it->script = script;
    it->member = (acurast__member){.close = member_nothing, .retain = member_nothing, .release = member_nothing};
    it->context = kit_context("1");
    assert_int_equal(acurast__context_join(it->context, &it->member), ACURAST_OK);
    acurast__loop *loop = acurast__context_loop(it->context, 0);
    void *shard = it;
    acurast__listener_config config = {
        .address = "127.0.0.1", .request_timeout_ms = DEADLINE_MS, .handlers = &fake_handlers};
    assert_int_equal(acurast__listener_open(&loop, &shard, 1, &config, &it->listener, detail, sizeof detail),
                     ACURAST_OK);
    snprintf(it->url, sizeof it->url, "ws://127.0.0.1:%u", acurast__listener_port(it->listener));
}

static void on_listener_closed(void *user)
{
    atomic_store((atomic_bool *)user, true);
}

/* After its clients are gone. */
static void fake_end(struct fake *it)
{
    acurast__listener_close(it->listener, on_listener_closed, &it->listener_closed);
    KIT_EVENTUALLY(atomic_load(&it->listener_closed) && atomic_load(&it->open) == 0);
    acurast__listener_free(it->listener);
    acurast__context_leave(it->context, &it->member);
    kit_context_end(it->context);
}

/* No work at all. */
#define FREE                                                                                                           \
    {                                                                                                                  \
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255                                 \
    }

static const kit_pattern disconnected = {.type = ACURAST_EVENT_STATE, .state = ACURAST_STATE_DISCONNECTED};
static const kit_pattern closed = {.type = ACURAST_EVENT_STATE, .state = ACURAST_STATE_CLOSED};
static const kit_pattern outcome = {.type = ACURAST_EVENT_OUTCOME};

struct code_case {
    uint16_t code;
    acurast_status status;
    bool final;
};

static const struct code_case code_cases[] = {
    {1000, ACURAST_LOST, false},        {1001, ACURAST_DRAINING, false}, {1002, ACURAST_PROTOCOL, false},
    {1003, ACURAST_PROTOCOL, false},    {1008, ACURAST_REFUSED, false},  {1009, ACURAST_TOO_LARGE, false},
    {1011, ACURAST_LOST, false},        {4001, ACURAST_REPLACED, true},  {4003, ACURAST_DENIED, true},
    {4004, ACURAST_SLOW_READER, false}, {4005, ACURAST_KEY_BUSY, false}, {4999, ACURAST_LOST, false},
};

static void check_code(const struct code_case *expected, enum deed deed)
{
    struct fake fake;
    kit_log log;
    kit_log_init(&log);
    fake_start(&fake, (struct script){.first = deed, .later = ACCEPT, .code = expected->code, .difficulty = FREE});
    acurast_context *context = kit_context("1");
    acurast_client *client =
        kit_client(context, fake.url, NULL, KIT_PAIRS(KIT_EAGER, "refused-backoff", "20ms", "linger", "0"), &log);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    if (expected->final) {
        assert_true(kit_wait_destroyed(&log));
        assert_int_equal(kit_find(&log, closed, 0)->view.status, expected->status);
        assert_int_equal(acurast_client_wait(client, 0), expected->status);
        assert_int_equal(atomic_load(&fake.connections), 1);
    } else {
        assert_true(kit_wait(&log, disconnected, 1));
        assert_true(kit_wait_state(&log, ACURAST_STATE_CONNECTED, deed == CLOSE_WHEN_ACCEPTED ? 2 : 1));
        kit_client_end(client, &log);
        client = NULL;
        const kit_event *told = kit_find(&log, disconnected, 0);
        if (told->view.status != expected->status || told->view.close_code != expected->code)
            fail_msg("code %u came as %s, %u", expected->code, acurast_status_name(told->view.status),
                     (unsigned)told->view.close_code);
        assert_string_equal(told->text, "as the script says");
        assert_true(told->view.retry_ms >= 0);
    }
    acurast_client_release(client);
    kit_context_end(context);
    fake_end(&fake);
    kit_log_clear(&log);
}

static void test_close_codes(void **state)
{
    static const enum deed deeds[] = {CLOSE_AT_INIT, CLOSE_AT_RESPONSE, CLOSE_WHEN_ACCEPTED};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(code_cases); i++)
        check_code(&code_cases[i], code_cases[i].code == 4001 ? CLOSE_WHEN_ACCEPTED : deeds[i % ARRAY_SIZE(deeds)]);
    /* Once accepted there was no handshake to be refused. */
    check_code(&(const struct code_case){1008, ACURAST_LOST, false}, CLOSE_WHEN_ACCEPTED);
    /* Before acceptance it says that another connection stays for now: the key is still good. */
    check_code(&(const struct code_case){4001, ACURAST_REPLACED, false}, CLOSE_AT_RESPONSE);
}

static void test_refusal_is_not_retried_at_once(void **state)
{
    struct fake fake;
    kit_log log;
    (void)state;
    kit_log_init(&log);
    fake_start(&fake, (struct script){.first = CLOSE_AT_RESPONSE, .later = ACCEPT, .code = 1008, .difficulty = FREE});
    acurast_context *context = kit_context("1");
    acurast_client *client =
        kit_client(context, fake.url, NULL, KIT_PAIRS(KIT_EAGER, "refused-backoff", "250ms"), &log);
    uint64_t begin = kit_now_ms();
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    assert_int_equal(acurast_client_wait(client, DEADLINE_MS), ACURAST_OK);
    assert_true(kit_now_ms() - begin >= 250);
    kit_client_end(client, &log);
    assert_true(kit_find(&log, disconnected, 0)->view.retry_ms >= 250);
    kit_context_end(context);
    fake_end(&fake);
    kit_log_clear(&log);
}

static void test_reconnects_when_replaced_if_told_so(void **state)
{
    struct fake fake;
    kit_log log;
    (void)state;
    kit_log_init(&log);
    fake_start(&fake, (struct script){.first = CLOSE_WHEN_ACCEPTED, .later = ACCEPT, .code = 4001, .difficulty = FREE});
    acurast_context *context = kit_context("1");
    acurast_client *client =
        kit_client(context, fake.url, NULL, KIT_PAIRS(KIT_EAGER, "reconnect-when-replaced", "on"), &log);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    assert_true(kit_wait_state(&log, ACURAST_STATE_CONNECTED, 2));
    kit_client_end(client, &log);
    assert_int_equal(kit_find(&log, disconnected, 0)->view.status, ACURAST_REPLACED);
    kit_context_end(context);
    fake_end(&fake);
    kit_log_clear(&log);
}

static void check_silence(enum deed deed)
{
    struct fake fake;
    kit_log log;
    kit_log_init(&log);
    fake_start(&fake, (struct script){.first = deed, .later = ACCEPT, .difficulty = FREE});
    acurast_context *context = kit_context("1");
    acurast_client *client =
        kit_client(context, fake.url, NULL, KIT_PAIRS(KIT_EAGER, "handshake-timeout", "60ms"), &log);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    assert_true(kit_wait(&log, disconnected, 1));
    KIT_EVENTUALLY(atomic_load(&fake.connections) >= 2);
    kit_client_end(client, &log);
    assert_int_equal(kit_find(&log, disconnected, 0)->view.status, ACURAST_UNRESPONSIVE);
    assert_int_equal(kit_find(&log, disconnected, 0)->view.close_code, 0);
    kit_context_end(context);
    fake_end(&fake);
    kit_log_clear(&log);
}

static void test_silence_ends_the_attempt(void **state)
{
    (void)state;
    check_silence(STAY_SILENT);
    check_silence(NEVER_ACCEPT);
}

static void test_silent_service_is_passed_over(void **state)
{
    struct fake silent, good;
    kit_log log;
    char urls[160];
    (void)state;
    kit_log_init(&log);
    fake_start(&silent, (struct script){.first = STAY_SILENT, .later = STAY_SILENT, .difficulty = FREE});
    fake_start(&good, (struct script){.difficulty = FREE});
    snprintf(urls, sizeof urls, "  %s ,\n %s", silent.url, good.url);
    acurast_context *context = kit_context("1");
    acurast_client *client = kit_client(context, urls, NULL, KIT_PAIRS("handshake-timeout", "500ms"), &log);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    assert_int_equal(acurast_client_wait(client, DEADLINE_MS), ACURAST_OK);
    kit_client_end(client, &log);
    assert_int_equal(kit_find(&log, disconnected, 0)->view.retry_ms, 0);
    assert_string_equal(
        kit_find(&log, (kit_pattern){.type = ACURAST_EVENT_STATE, .state = ACURAST_STATE_CONNECTED}, 0)->text,
        good.url);
    kit_context_end(context);
    fake_end(&silent);
    fake_end(&good);
    kit_log_clear(&log);
}

static void test_signs_once_and_drops_strays(void **state)
{
    struct fake fake;
    kit_log log;
    acurast_client_stats stats = {.size = sizeof stats};
    (void)state;
    kit_log_init(&log);
    fake_start(&fake, (struct script){.first = MISDIRECT, .later = ACCEPT, .difficulty = FREE});
    acurast_context *context = kit_context("1");
    acurast_client *client = kit_connected(context, fake.url, NULL, &log);
    assert_true(kit_wait(&log, (kit_pattern){.type = ACURAST_EVENT_PAYLOAD}, 1));
    assert_int_equal(acurast_client_get_stats(client, &stats), ACURAST_OK);
    assert_int_equal(stats.connections, 1);
    assert_int_equal(stats.stray_payloads, 2);
    assert_true(stats.ignored_frames >= 5); /* early accepted, unknown, short; late challenge, late accepted */
    assert_int_equal(stats.payloads_in, 1);
    assert_int_equal(atomic_load(&fake.responses), 1);
    kit_client_end(client, &log);
    const kit_event *payload = kit_find(&log, (kit_pattern){.type = ACURAST_EVENT_PAYLOAD}, 0);
    assert_string_equal(payload->payload, "for you");
    assert_memory_equal(payload->sender, stranger, 16);
    assert_int_equal(kit_count(&log, disconnected), 0);
    kit_context_end(context);
    fake_end(&fake);
    kit_log_clear(&log);
}

static void check_work(const uint8_t difficulty[16])
{
    struct fake fake;
    struct script script = {.first = ACCEPT};
    memcpy(script.difficulty, difficulty, 16);
    fake_start(&fake, script);
    acurast_context *context = kit_context("1");
    acurast_client *client = kit_connected(context, fake.url, NULL, NULL);
    assert_int_equal(atomic_load(&fake.good_proofs), 1);
    acurast_client_release(client);
    kit_context_end(context);
    fake_end(&fake);
}

static void test_work_is_done(void **state)
{
    uint8_t little[16] = FREE, some[16] = FREE;
    (void)state;
    little[3] = 60;
    some[0] = 0;
    some[1] = 30;
    check_work(little);
    check_work(some);
}

static void test_too_much_work(void **state)
{
    struct fake hard, good;
    kit_log log;
    char urls[160];
    (void)state;
    kit_log_init(&log);
    fake_start(&hard, (struct script){.difficulty = {0}});
    fake_start(&good, (struct script){.difficulty = FREE});
    acurast_context *context = kit_context("1");
    acurast_client *client = kit_client(context, hard.url, NULL, NULL, &log);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    assert_int_equal(acurast_client_wait(client, DEADLINE_MS), ACURAST_WORK_TOO_HARD);
    assert_true(kit_wait_destroyed(&log));
    acurast_client_release(client);
    kit_log_clear(&log);
    kit_log_init(&log);
    snprintf(urls, sizeof urls, "%s %s", hard.url, good.url);
    client = kit_connected(context, urls, NULL, &log);
    kit_client_end(client, &log);
    assert_int_equal(kit_find(&log, disconnected, 0)->view.status, ACURAST_WORK_TOO_HARD);
    assert_int_equal(atomic_load(&hard.responses), 0);
    kit_context_end(context);
    fake_end(&hard);
    fake_end(&good);
    kit_log_clear(&log);
}

/* A puzzle that takes ages, which the option allows: close must not wait for it. */
static void test_work_is_cancelled(void **state)
{
    struct fake fake;
    kit_log log;
    (void)state;
    kit_log_init(&log);
    fake_start(&fake,
               (struct script){.difficulty = {0, 0, 0, 0, 10, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}});
    acurast_context *context = kit_context("1");
    acurast_client *client =
        kit_client(context, fake.url, NULL, KIT_PAIRS("max-work", "1099511627776", "handshake-timeout", "50ms"), &log);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    assert_true(kit_wait_state(&log, ACURAST_STATE_AUTHENTICATING, 1));
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL); /* longer than the handshake may last without the work */
    assert_int_equal(kit_count(&log, disconnected), 0);
    uint64_t begin = kit_now_ms();
    kit_client_end(client, &log);
    kit_context_end(context);
    assert_true(kit_now_ms() - begin < 10000);
    fake_end(&fake);
    kit_log_clear(&log);
}

static void test_ed25519_needs_the_extension(void **state)
{
    struct fake fake;
    acurast_identity *identity;
    (void)state;
    fake_start(&fake, (struct script){.difficulty = FREE, .no_block = true});
    assert_int_equal(acurast_identity_generate(ACURAST_KEY_ED25519, &identity), ACURAST_OK);
    acurast_context *context = kit_context("1");
    acurast_client *client = kit_client(context, fake.url, identity, NULL, NULL);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    assert_int_equal(acurast_client_wait(client, DEADLINE_MS), ACURAST_UNSUPPORTED);
    assert_int_equal(atomic_load(&fake.responses), 0);
    acurast_client_release(client);
    acurast_identity_release(identity);
    kit_context_end(context);
    fake_end(&fake);
}

static void test_extensions_off_sends_the_bare_init(void **state)
{
    struct fake fake;
    (void)state;
    fake_start(&fake, (struct script){.difficulty = FREE});
    acurast_context *context = kit_context("1");
    acurast_client *client = kit_connected(context, fake.url, KIT_PAIRS("extensions", "off"), NULL);
    assert_int_equal(atomic_load(&fake.init_size), ACURAST__HEADER_SIZE);
    acurast_client_release(client);
    client = kit_connected(context, fake.url, NULL, NULL);
    assert_true(atomic_load(&fake.init_size) > ACURAST__HEADER_SIZE);
    acurast_client_release(client);
    kit_context_end(context);
    fake_end(&fake);
}

static void test_limit_that_the_service_told(void **state)
{
    static const char bytes[200];
    struct fake fake;
    kit_log log;
    uint64_t large;
    (void)state;
    kit_log_init(&log);
    fake_start(&fake, (struct script){.difficulty = FREE, .max_frame = ACURAST__HEADER_SIZE + 100});
    acurast_context *context = kit_context("1");
    acurast_client *client = kit_connected(context, fake.url, NULL, &log);
    assert_int_equal(acurast_client_send(client, stranger, 16, bytes, 100, NULL, NULL), ACURAST_OK);
    assert_int_equal(acurast_client_send(client, stranger, 16, bytes, 101, NULL, &large), ACURAST_OK);
    assert_int_equal(acurast_client_send(client, stranger, 16, bytes, 1, NULL, NULL), ACURAST_OK);
    assert_true(kit_wait(&log, outcome, 3));
    KIT_EVENTUALLY(atomic_load(&fake.payloads) == 2);
    kit_client_end(client, &log);
    for (size_t i = 0; i < 3; i++) {
        const kit_event *told = kit_find(&log, outcome, i);
        assert_int_equal(told->view.status, told->view.operation == large ? ACURAST_TOO_LARGE : ACURAST_OK);
    }
    kit_context_end(context);
    fake_end(&fake);
    kit_log_clear(&log);
}

static void check_bad_options(const char *const *pairs, const char *word)
{
    acurast_client *client = NULL;
    acurast_context *context = kit_context("1");
    acurast_options *options = kit_options(ACURAST_SCOPE_CLIENT, pairs);
    assert_int_equal(acurast_client_create(context, options, NULL, &client), ACURAST_BAD_OPTION);
    assert_null(client);
    assert_non_null(strstr(acurast_options_error(options), word));
    acurast_options_release(options);
    acurast_context_release(context);
}

static void test_bad_options_are_told(void **state)
{
    (void)state;
    check_bad_options(NULL, "url");
    check_bad_options(KIT_PAIRS("url", "http://host"), "http://host");
    check_bad_options(KIT_PAIRS("url", "ws://good, ws://bad:0"), "port");
    check_bad_options(KIT_PAIRS("url", "wss://host", "ca-file", "/nowhere/ca.pem"), "ca-file");
    check_bad_options(KIT_PAIRS("url", "wss://host", "ca-pem", "not a certificate"), "ca-pem");
    check_bad_options(KIT_PAIRS("url", "wss://host", "ca-file", "a", "ca-pem", "b"), "not both");
}

static void test_arguments(void **state)
{
    acurast_client *client = NULL;
    acurast_client_stats stats = {0};
    acurast_context *context = kit_context("1");
    acurast_options *options = kit_options(ACURAST_SCOPE_CLIENT, KIT_PAIRS("url", "ws://host"));
    acurast_options *wrong = kit_options(ACURAST_SCOPE_SERVICE, NULL);
    (void)state;
    assert_int_equal(acurast_client_create(NULL, options, NULL, &client), ACURAST_INVALID);
    assert_int_equal(acurast_client_create(context, NULL, NULL, &client), ACURAST_INVALID);
    assert_int_equal(acurast_client_create(context, wrong, NULL, &client), ACURAST_INVALID);
    assert_int_equal(acurast_client_create(context, options, NULL, NULL), ACURAST_INVALID);
    acurast_identity *unknown_to_services;
    assert_int_equal(acurast_identity_generate(ACURAST_KEY_SECP256K1, &unknown_to_services), ACURAST_OK);
    assert_int_equal(acurast_client_create(context, options, unknown_to_services, &client), ACURAST_UNSUPPORTED);
    acurast_identity_release(unknown_to_services);
    assert_int_equal(acurast_client_create(context, options, NULL, &client), ACURAST_OK);
    assert_int_equal(acurast_client_set_callback(client, NULL, NULL, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_client_set_queue(client, NULL, 0), ACURAST_INVALID);
    assert_int_equal(acurast_client_get_stats(client, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_client_get_stats(client, &stats), ACURAST_INVALID);
    assert_int_equal(acurast_client_send(NULL, stranger, 16, "", 0, NULL, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_client_connect(NULL), ACURAST_INVALID);
    assert_int_equal(acurast_client_close(NULL), ACURAST_INVALID);
    assert_int_equal(acurast_client_wait(NULL, 0), ACURAST_INVALID);
    assert_int_equal(acurast_client_cancel(NULL, 1), ACURAST_INVALID);
    assert_null(acurast_client_id(NULL));
    assert_int_equal(acurast_client_state(NULL), ACURAST_STATE_CLOSED);
    stats.size = sizeof stats.size + sizeof stats.connections; /* an older caller's struct */
    stats.payloads_in = 77;
    assert_int_equal(acurast_client_get_stats(client, &stats), ACURAST_OK);
    assert_int_equal(stats.payloads_in, 77);
    acurast_client_release(client);
    assert_int_equal(acurast_context_create(options, &context), ACURAST_INVALID);
    assert_int_equal(acurast_context_create(NULL, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_context_close(NULL), ACURAST_INVALID);
    assert_int_equal(acurast_context_wait(NULL, 0), ACURAST_INVALID);
    acurast_options_release(options);
    acurast_options_release(wrong);
    acurast_context_release(context);
}

/* Every allocation of create, and of connect and send, fails in turn: a status, and nothing is left. */
static void test_without_memory(void **state)
{
    (void)state;
    acurast_context *context = kit_context("1");
    acurast_options *options = kit_options(ACURAST_SCOPE_CLIENT, KIT_PAIRS("url", "ws://127.0.0.1:9 ws://[::1]:9"));
    acurast_identity *identity;
    assert_int_equal(acurast_identity_generate(ACURAST_KEY_P256, &identity), ACURAST_OK);
    acurast_client *client = NULL;
    acurast_status status = ACURAST_NO_MEMORY;
    for (long n = 1; status != ACURAST_OK; n++) {
        assert_true(n < 100);
        acurast__memory_fail_at(n);
        status = acurast_client_create(context, options, identity, &client);
        acurast__memory_fail_at(0);
        assert_true(status == ACURAST_OK || status == ACURAST_NO_MEMORY);
    }
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    acurast_client_release(client);
    acurast_identity_release(identity);
    acurast_options_release(options);
    kit_context_end(context);
}

static void take_all(acurast_queue *queue)
{
    acurast_event_view views[64];
    size_t count = 1;
    views[0].size = sizeof views[0];
    while (count && acurast_queue_take(queue, views, ARRAY_SIZE(views), 0, &count) == ACURAST_OK)
        assert_int_equal(acurast_queue_done(queue), ACURAST_OK);
}

/* Reconnecting for ever into a queue that nobody drains must not fill the memory. */
static void test_untaken_states_are_bounded(void **state)
{
    struct fake fake;
    acurast_queue *queue;
    (void)state;
    fake_start(&fake,
               (struct script){.first = CLOSE_AT_INIT, .later = CLOSE_AT_INIT, .code = 1001, .difficulty = FREE});
    acurast_context *context = kit_context("1");
    assert_int_equal(acurast_queue_create(context, 0, 0, &queue), ACURAST_OK);
    acurast_client *client =
        kit_client(context, fake.url, NULL, KIT_PAIRS("backoff-min", "1ms", "backoff-max", "1ms"), NULL);
    assert_int_equal(acurast_client_set_queue(client, queue, 0), ACURAST_OK);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    KIT_EVENTUALLY(atomic_load(&client->untaken_states) >= ACURAST__UNTAKEN_STATES_MAX);
    KIT_EVENTUALLY(acurast_client_state(client) == ACURAST_STATE_DISCONNECTED);
    int connections = atomic_load(&fake.connections);
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    assert_int_equal(atomic_load(&fake.connections), connections);
    take_all(queue);
    KIT_EVENTUALLY(atomic_load(&fake.connections) > connections);
    acurast_client_release(client);
    acurast_queue_release(queue);
    kit_context_end(context);
    fake_end(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_close_codes),
        KIT_TEST(test_refusal_is_not_retried_at_once),
        KIT_TEST(test_reconnects_when_replaced_if_told_so),
        KIT_TEST(test_silence_ends_the_attempt),
        KIT_TEST(test_silent_service_is_passed_over),
        KIT_TEST(test_signs_once_and_drops_strays),
        KIT_TEST(test_work_is_done),
        KIT_TEST(test_too_much_work),
        KIT_TEST(test_work_is_cancelled),
        KIT_TEST(test_ed25519_needs_the_extension),
        KIT_TEST(test_extensions_off_sends_the_bare_init),
        KIT_TEST(test_limit_that_the_service_told),
        KIT_TEST(test_bad_options_are_told),
        KIT_TEST(test_arguments),
        KIT_TEST(test_without_memory),
        KIT_TEST(test_untaken_states_are_bounded),
    };
    return cmocka_run_group_tests(tests, kit_warm_up, NULL);
}
