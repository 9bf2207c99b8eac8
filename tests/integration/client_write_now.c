/*
 * Sends with `write_now`: what the call wrote itself has arrived once, in its place among the others, and without an outcome; whatever it
 * could not write went the way of all sends.
 */
#include "support/client_kit.h"

enum {
    THREADS = 4,
    SENDS = 500,
    TOKEN = 7,
    LANE_MAX = 4096
};

static const kit_pattern any_payload = {.type = ACURAST_EVENT_PAYLOAD};
static const kit_pattern any_outcome = {.type = ACURAST_EVENT_OUTCOME};

typedef struct stage {
    kit_log log;
    acurast_context *context;
    acurast_service *service;
    acurast_client *client; /* of the log; sends to itself */
} stage;

static void stage_open_with(stage *s, kit_hook hook)
{
    kit_log_init(&s->log);
    s->log.hook = hook;
    s->context = kit_context("1");
    s->service = kit_service(s->context, 0, NULL);
    s->client = kit_client(s->context, acurast_service_url(s->service), NULL, KIT_PAIRS(KIT_EAGER), &s->log);
    assert_int_equal(acurast_client_connect(s->client), ACURAST_OK);
    assert_int_equal(acurast_client_wait(s->client, DEADLINE_MS), ACURAST_OK);
}

static void stage_open(stage *s)
{
    stage_open_with(s, NULL);
}

static void stage_close(stage *s)
{
    kit_client_end(s->client, &s->log);
    kit_context_end(s->context);
    acurast_service_release(s->service);
    kit_log_clear(&s->log);
}

static uint64_t send_now(acurast_client *client, const void *payload, size_t size)
{
    acurast_send_params params = {.size = sizeof params, .write_now = 1, .token = TOKEN};
    uint64_t operation = UINT64_MAX;
    assert_int_equal(
        acurast_client_send(client, acurast_client_id(client), ACURAST_ID_SIZE, payload, size, &params, &operation),
        ACURAST_OK);
    return operation;
}

static kit_pattern outcome_of(uint64_t operation)
{
    return (kit_pattern){.type = ACURAST_EVENT_OUTCOME, .operation = operation};
}

/* Sends one at a time until so many were written at once, and waits for each; returns how many others there were. */
static size_t send_until_written(stage *s, size_t wanted)
{
    size_t others = 0;
    for (size_t written = 0; written < wanted;) {
        size_t before = kit_count(&s->log, any_payload);
        uint64_t operation = send_now(s->client, "to myself", 9);
        assert_true(kit_wait(&s->log, any_payload, before + 1));
        if (operation == 0) {
            written++;
        } else {
            assert_true(kit_wait(&s->log, outcome_of(operation), 1));
            assert_true(++others < 1000);
        }
    }
    return others;
}

static void test_written_within_the_call(void **state)
{
    stage s;
    acurast_send_params quiet = {.size = sizeof quiet, .write_now = 1, .no_outcome = 1};
    acurast_client_stats stats = {.size = sizeof stats};
    (void)state;
    stage_open(&s);
    size_t others = send_until_written(&s, 100), all = 100 + others;
    assert_int_equal(acurast_client_send(s.client, acurast_client_id(s.client), ACURAST_ID_SIZE, "", 0, &quiet, NULL),
                     ACURAST_OK);
    assert_true(kit_wait(&s.log, any_payload, all + 1));
    assert_int_equal(acurast_client_get_stats(s.client, &stats), ACURAST_OK);
    assert_int_equal(stats.payloads_out, all + 1);
    assert_int_equal(stats.outbox_count, 0);
    assert_int_equal(kit_count(&s.log, any_payload), all + 1);
    assert_int_equal(kit_count(&s.log, any_outcome), others);
    if (all)
        assert_string_equal(kit_find(&s.log, any_payload, all - 1)->payload, "to myself");
    stage_close(&s);
}

static void test_what_is_large_waits(void **state)
{
    static const char payload[LANE_MAX + 1];
    stage s;
    (void)state;
    stage_open(&s);
    send_until_written(&s, 1);
    uint64_t large = send_now(s.client, payload, sizeof payload);
    assert_int_not_equal(large, 0);
    assert_true(kit_wait(&s.log, outcome_of(large), 1));
    assert_int_equal(kit_find(&s.log, outcome_of(large), 0)->view.token, TOKEN);
    assert_int_equal(kit_find(&s.log, outcome_of(large), 0)->view.status, ACURAST_OK);
    stage_close(&s);
}

static void test_what_is_too_large_is_refused(void **state)
{
    static const char payload[2048];
    acurast_send_params params = {.size = sizeof params, .write_now = 1};
    uint64_t operation = 1;
    kit_log log;
    (void)state;
    kit_log_init(&log);
    acurast_context *context = kit_context("1");
    acurast_service *service = kit_service(context, 0, NULL);
    acurast_client *client =
        kit_connected(context, acurast_service_url(service), KIT_PAIRS("max-payload", "1KiB"), &log);
    for (int i = 0; i < 1000 && operation; i++) {
        operation = send_now(client, payload, 1024);
        assert_true(kit_wait(&log, any_payload, (size_t)i + 1));
    }
    assert_true(operation == 0);
    assert_int_equal(acurast_client_send(client, acurast_client_id(client), ACURAST_ID_SIZE, payload, sizeof payload,
                                         &params, &operation),
                     ACURAST_TOO_LARGE);
    kit_client_end(client, &log);
    kit_context_end(context);
    acurast_service_release(service);
    kit_log_clear(&log);
}

static void test_without_a_connection_it_waits(void **state)
{
    stage s;
    (void)state;
    stage_open(&s);
    uint16_t port = acurast_service_port(s.service);
    send_until_written(&s, 1);
    kit_service_end(s.service);
    assert_true(kit_wait_state(&s.log, ACURAST_STATE_DISCONNECTED, 1));
    size_t before = kit_count(&s.log, any_payload);
    uint64_t first = send_now(s.client, "first", 5), second = send_now(s.client, "second", 6);
    assert_int_not_equal(first, 0);
    assert_int_not_equal(second, 0);
    s.service = kit_service(s.context, port, NULL);
    assert_true(kit_wait(&s.log, any_payload, before + 2));
    assert_string_equal(kit_find(&s.log, any_payload, before)->payload, "first");
    assert_string_equal(kit_find(&s.log, any_payload, before + 1)->payload, "second");
    assert_true(kit_wait(&s.log, outcome_of(first), 1));
    assert_true(kit_wait(&s.log, outcome_of(second), 1));
    send_until_written(&s, 1); /* on the new connection, too */
    stage_close(&s);
}

static void test_arguments(void **state)
{
    acurast_send_params params = {.size = sizeof params, .write_now = 1}, older = params;
    uint64_t operation = 0;
    stage s;
    (void)state;
    stage_open(&s);
    const uint8_t *id = acurast_client_id(s.client);
    send_until_written(&s, 1);
    assert_int_equal(acurast_client_send(s.client, id, ACURAST_ID_SIZE, "x", 1, &params, NULL), ACURAST_INVALID);
    params.reserved = 1;
    assert_int_equal(acurast_client_send(s.client, id, ACURAST_ID_SIZE, "x", 1, &params, &operation), ACURAST_INVALID);
    params.reserved = 0;
    older.size = offsetof(acurast_send_params, write_now);
    for (int i = 0; i < 10; i++) { /* what stands behind a caller's struct is not read */
        assert_int_equal(acurast_client_send(s.client, id, ACURAST_ID_SIZE, "x", 1, &older, &operation), ACURAST_OK);
        assert_int_not_equal(operation, 0);
        assert_true(kit_wait(&s.log, outcome_of(operation), 1));
    }
    older.size--;
    assert_int_equal(acurast_client_send(s.client, id, ACURAST_ID_SIZE, "x", 1, &older, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_client_close(s.client), ACURAST_OK);
    assert_int_equal(acurast_client_send(s.client, id, ACURAST_ID_SIZE, "x", 1, &params, &operation), ACURAST_CLOSED);
    stage_close(&s);
}

/* ---- in order, whoever writes ---- */

typedef struct sender {
    pthread_t thread;
    stage *stage;
    int number;
    int failures;
    int written; /* at once */
} sender;

/* Every third is sent as usual, and after every seventh the outbox gets the time to become empty. */
static void *send_both_ways(void *argument)
{
    sender *self = argument;
    acurast_client *client = self->stage->client;
    for (int i = 0; i < SENDS; i++) {
        char text[32];
        uint64_t operation = 0;
        acurast_send_params params = {.size = sizeof params, .write_now = i % 3 != 0};
        snprintf(text, sizeof text, "%d %d", self->number, i);
        self->failures += acurast_client_send(client, acurast_client_id(client), ACURAST_ID_SIZE, text, strlen(text),
                                              &params, &operation) != ACURAST_OK;
        self->written += operation == 0;
        if (i % 7 == 0 && operation)
            self->failures += !kit_wait(&self->stage->log, outcome_of(operation), 1);
    }
    return NULL;
}

static void check_order(kit_log *log)
{
    int next[THREADS] = {0}, number, value;
    for (size_t i = 0; i < log->count; i++)
        if (log->events[i]->view.type == ACURAST_EVENT_PAYLOAD &&
            sscanf((char *)log->events[i]->payload, "%d %d", &number, &value) == 2)
            assert_int_equal(value, next[number]++);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(next[i], SENDS);
}

static void test_the_order_of_a_thread(void **state)
{
    stage s;
    sender senders[THREADS];
    int written = 0;
    (void)state;
    stage_open(&s);
    send_until_written(&s, 1);
    size_t before = kit_count(&s.log, any_payload), outcomes = kit_count(&s.log, any_outcome);
    for (int i = 0; i < THREADS; i++) {
        senders[i] = (sender){.stage = &s, .number = i};
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_both_ways, &senders[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(senders[i].thread, NULL);
        assert_int_equal(senders[i].failures, 0);
        written += senders[i].written;
    }
    assert_true(kit_wait(&s.log, any_payload, before + (size_t)THREADS * SENDS));
    assert_true(kit_wait(&s.log, any_outcome, outcomes + (size_t)THREADS * SENDS - (size_t)written));
    assert_true(written > 0);
    check_order(&s.log);
    stage_close(&s);
}

/* ---- on the I/O thread ---- */

static void answer_at_once(kit_log *log, const acurast_event_view *event)
{
    acurast_send_params params = {.size = sizeof params, .write_now = 1};
    uint64_t operation;
    if (event->type == ACURAST_EVENT_PAYLOAD && event->payload_size == 4 && memcmp(event->payload, "ping", 4) == 0)
        acurast_client_send(log->client, event->sender, ACURAST_ID_SIZE, "answer", 6, &params, &operation);
}

static void test_in_a_callback(void **state)
{
    stage s;
    (void)state;
    stage_open_with(&s, answer_at_once);
    send_until_written(&s, 1);
    size_t before = kit_count(&s.log, any_payload);
    for (size_t i = 1; i <= 100; i++) {
        assert_int_equal(kit_send(s.client, acurast_client_id(s.client), "ping", NULL), ACURAST_OK);
        assert_true(kit_wait(&s.log, any_payload, before + 2 * i));
    }
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_written_within_the_call),
        KIT_TEST(test_what_is_large_waits),
        KIT_TEST(test_what_is_too_large_is_refused),
        KIT_TEST(test_without_a_connection_it_waits),
        KIT_TEST(test_arguments),
        KIT_TEST(test_the_order_of_a_thread),
        KIT_TEST(test_in_a_callback),
    };
    return cmocka_run_group_tests(tests, kit_warm_up, NULL);
}
