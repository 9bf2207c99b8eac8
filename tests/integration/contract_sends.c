/* Sentences 16 to 23 of core/docs/threading.md: sends. The number of a test is that of its sentence. */
#include "support/client_kit.h"

#define THREADS 5
#define SENDS 300

/* A port that nobody listens on, as a URL; found by binding and closing it. */
static void dead_url(char url[64])
{
    acurast_context *context = kit_context("1");
    acurast_service *service = kit_service(context, 0, NULL);
    snprintf(url, 64, "%s", acurast_service_url(service));
    kit_service_end(service);
    kit_context_end(context);
}

typedef struct sender {
    pthread_t thread;
    acurast_client *client;
    const uint8_t *recipient;
    int number;
    int failures;
} sender;

static void *send_in_order(void *argument)
{
    sender *self = argument;
    char text[32];
    for (int i = 0; i < SENDS; i++) {
        acurast_send_params params = {.size = sizeof params, .no_outcome = 1, .write_now = i % 2 != 0};
        snprintf(text, sizeof text, "%d %d", self->number, i);
        self->failures += acurast_client_send(self->client, self->recipient, ACURAST_ID_SIZE, text, strlen(text),
                                              &params, NULL) != ACURAST_OK;
    }
    return NULL;
}

static void test_16_order_of_a_thread(void **state)
{
    kit_log log;
    sender senders[THREADS];
    int next[THREADS] = {0};
    (void)state;
    kit_log_init(&log);
    acurast_context *context = kit_context("2");
    acurast_service *service = kit_service(context, 0, NULL);
    acurast_client *receiver = kit_connected(context, acurast_service_url(service), NULL, &log);
    acurast_client *client = kit_client(context, acurast_service_url(service), NULL, NULL, NULL);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    for (int i = 0; i < THREADS; i++) {
        senders[i] = (sender){.client = client, .recipient = acurast_client_id(receiver), .number = i};
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_in_order, &senders[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(senders[i].thread, NULL);
        assert_int_equal(senders[i].failures, 0);
    }
    assert_true(kit_wait(&log, (kit_pattern){.type = ACURAST_EVENT_PAYLOAD}, (size_t)THREADS * SENDS));
    acurast_client_release(client);
    kit_client_end(receiver, &log);
    for (size_t i = 0; i < log.count; i++) {
        int number, value;
        if (log.events[i]->view.type != ACURAST_EVENT_PAYLOAD)
            continue;
        assert_int_equal(sscanf((char *)log.events[i]->payload, "%d %d", &number, &value), 2);
        assert_int_equal(value, next[number]++);
    }
    kit_context_end(context);
    acurast_service_release(service);
    kit_log_clear(&log);
}

static void test_17_one_outcome_each(void **state)
{
    kit_log log;
    uint64_t operations[SENDS];
    (void)state;
    kit_log_init(&log);
    acurast_context *context = kit_context("1");
    acurast_service *service = kit_service(context, 0, NULL);
    acurast_client *client = kit_client(context, acurast_service_url(service), NULL, NULL, &log);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    for (int i = 0; i < SENDS; i++) {
        acurast_send_params params = {.size = sizeof params, .token = (uint64_t)i, .no_outcome = i % 3 == 0};
        assert_int_equal(
            acurast_client_send(client, acurast_client_id(client), ACURAST_ID_SIZE, "x", 1, &params, &operations[i]),
            ACURAST_OK);
        assert_true(operations[i] > (i ? operations[i - 1] : 0));
        if (i % 5 == 0)
            assert_int_equal(acurast_client_cancel(client, operations[i]), ACURAST_OK);
    }
    kit_client_end(client, &log);
    for (int i = 0; i < SENDS; i++) {
        kit_pattern pattern = {.type = ACURAST_EVENT_OUTCOME, .operation = operations[i]};
        assert_int_equal(kit_count(&log, pattern), i % 3 != 0);
        if (i % 3)
            assert_int_equal(kit_find(&log, pattern, 0)->view.token, i);
    }
    kit_context_end(context);
    acurast_service_release(service);
    kit_log_clear(&log);
}

static void test_18_no_outcome_for_a_failed_call(void **state)
{
    static const char big[2048];
    uint8_t not_on_the_curve[33] = {2, 0xff, 0xff, 0xff, 0xff};
    kit_log log;
    (void)state;
    kit_log_init(&log);
    memset(not_on_the_curve + 1, 0xff, 32);
    acurast_context *context = kit_context("1");
    acurast_service *service = kit_service(context, 0, NULL);
    acurast_client *client =
        kit_client(context, acurast_service_url(service), NULL, KIT_PAIRS("max-payload", "1KiB"), &log);
    const uint8_t *id = acurast_client_id(client);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    assert_int_equal(acurast_client_send(client, NULL, 16, "x", 1, NULL, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_client_send(client, id, 16, NULL, 1, NULL, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_client_send(client, id, 16, "x", 1, &(acurast_send_params){.size = 1}, NULL),
                     ACURAST_INVALID);
    assert_int_equal(acurast_client_send(client, id, 15, "x", 1, NULL, NULL), ACURAST_BAD_RECIPIENT);
    assert_int_equal(acurast_client_send(client, "0x0102030405060708090a0b0c0d0e0f1g", 34, "x", 1, NULL, NULL),
                     ACURAST_BAD_HEX);
    assert_int_equal(acurast_client_send(client, not_on_the_curve, 33, "x", 1, NULL, NULL), ACURAST_BAD_KEY);
    assert_int_equal(acurast_client_send(client, id, 16, big, sizeof big, NULL, NULL), ACURAST_TOO_LARGE);
    assert_int_equal(acurast_client_cancel(client, 0), ACURAST_INVALID);
    assert_int_equal(acurast_client_cancel(client, 1), ACURAST_INVALID);
    kit_client_end(client, &log);
    assert_int_equal(kit_count(&log, (kit_pattern){.type = ACURAST_EVENT_OUTCOME}), 0);
    kit_context_end(context);
    acurast_service_release(service);
    kit_log_clear(&log);
}

#define MANY 10000

static void test_19_cancel_one_of_many(void **state)
{
    kit_log log;
    char url[64];
    uint64_t *operations = calloc(MANY, sizeof *operations);
    (void)state;
    kit_log_init(&log);
    dead_url(url);
    acurast_context *context = kit_context("1");
    acurast_client *client =
        kit_client(context, url, NULL, KIT_PAIRS("outbox-count", "20000", "linger", "0", "send-timeout", "0"), &log);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(kit_send(client, acurast_client_id(client), "x", &operations[i]), ACURAST_OK);
    assert_int_equal(acurast_client_cancel(client, operations[MANY / 2]), ACURAST_OK);
    kit_pattern cancelled = {.type = ACURAST_EVENT_OUTCOME, .with_status = true, .status = ACURAST_CANCELLED};
    assert_true(kit_wait(&log, cancelled, 1));
    assert_int_equal(kit_find(&log, cancelled, 0)->view.operation, operations[MANY / 2]);
    assert_int_equal(kit_count(&log, (kit_pattern){.type = ACURAST_EVENT_OUTCOME}), 1);
    for (int i = MANY - 1; i >= 0; i -= 2)
        assert_int_equal(acurast_client_cancel(client, operations[i]), ACURAST_OK);
    assert_true(kit_wait(&log, cancelled, MANY / 2 + 1));
    kit_client_end(client, &log);
    assert_int_equal(kit_count(&log, (kit_pattern){.type = ACURAST_EVENT_OUTCOME}), MANY);
    assert_int_equal(kit_count(&log, cancelled), MANY / 2 + (operations[MANY / 2] % 2 ? 1 : 0));
    kit_context_end(context);
    kit_log_clear(&log);
    free(operations);
}

static void test_20_expiry(void **state)
{
    kit_log log;
    char url[64];
    uint64_t kept, expired;
    (void)state;
    kit_log_init(&log);
    dead_url(url);
    acurast_context *context = kit_context("1");
    acurast_client *client =
        kit_client(context, url, NULL, KIT_PAIRS(KIT_EAGER, "linger", "0", "send-timeout", "1h"), &log);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    acurast_send_params soon = {.size = sizeof soon, .timeout_ms = 30};
    assert_int_equal(kit_send(client, acurast_client_id(client), "waits an hour", &kept), ACURAST_OK);
    uint64_t begin = kit_now_ms();
    assert_int_equal(
        acurast_client_send(client, acurast_client_id(client), ACURAST_ID_SIZE, "waits 30 ms", 11, &soon, &expired),
        ACURAST_OK);
    assert_true(kit_wait(&log, (kit_pattern){.type = ACURAST_EVENT_OUTCOME}, 1));
    assert_true(kit_now_ms() - begin >= 30);
    const kit_event *outcome = kit_find(&log, (kit_pattern){.type = ACURAST_EVENT_OUTCOME}, 0);
    assert_int_equal(outcome->view.operation, expired);
    assert_int_equal(outcome->view.status, ACURAST_EXPIRED);
    kit_client_end(client, &log);
    assert_int_equal(kit_find(&log, (kit_pattern){.type = ACURAST_EVENT_OUTCOME, .operation = kept}, 0)->view.status,
                     ACURAST_CLOSED);
    kit_context_end(context);
    kit_log_clear(&log);
}

static void test_21_full_and_writable(void **state)
{
    kit_log log;
    char url[64];
    uint64_t operations[8];
    (void)state;
    kit_log_init(&log);
    dead_url(url);
    acurast_context *context = kit_context("1");
    acurast_client *client =
        kit_client(context, url, NULL, KIT_PAIRS("outbox-count", "8", "outbox-bytes", "100", "linger", "0"), &log);
    const uint8_t *id = acurast_client_id(client);
    static const char bytes[100];
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    for (int i = 0; i < 8; i++)
        assert_int_equal(kit_send(client, id, "x", &operations[i]), ACURAST_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(kit_send(client, id, "x", NULL), ACURAST_OUTBOX_FULL);
    for (int i = 0; i < 3; i++)
        acurast_client_cancel(client, operations[i]);
    assert_true(kit_wait(&log, (kit_pattern){.type = ACURAST_EVENT_OUTCOME}, 3));
    assert_int_equal(kit_count(&log, (kit_pattern){.type = ACURAST_EVENT_WRITABLE}), 0);
    acurast_client_cancel(client, operations[3]);
    assert_true(kit_wait(&log, (kit_pattern){.type = ACURAST_EVENT_WRITABLE}, 1));
    assert_int_equal(acurast_client_send(client, id, 16, bytes, sizeof bytes, NULL, NULL), ACURAST_OUTBOX_FULL);
    for (int i = 4; i < 7; i++) { /* there is more than a half, but not what this one needs */
        acurast_client_cancel(client, operations[i]);
        assert_true(kit_wait(&log, (kit_pattern){.type = ACURAST_EVENT_OUTCOME}, (size_t)i + 1));
    }
    assert_int_equal(kit_count(&log, (kit_pattern){.type = ACURAST_EVENT_WRITABLE}), 1);
    acurast_client_cancel(client, operations[7]);
    assert_true(kit_wait(&log, (kit_pattern){.type = ACURAST_EVENT_WRITABLE}, 2));
    assert_true(kit_wait(&log, (kit_pattern){.type = ACURAST_EVENT_OUTCOME}, 8));
    assert_int_equal(acurast_client_send(client, id, 16, bytes, sizeof bytes, NULL, NULL), ACURAST_OK);
    assert_int_equal(acurast_client_send(client, id, 16, bytes, 1, NULL, NULL), ACURAST_OUTBOX_FULL);
    kit_client_end(client, &log);
    assert_int_equal(kit_count(&log, (kit_pattern){.type = ACURAST_EVENT_WRITABLE}), 2);
    kit_context_end(context);
    kit_log_clear(&log);
}

/* Takes what is there, and counts outcomes and writables. */
static void drain(acurast_queue *queue, size_t *outcomes, size_t *writables)
{
    acurast_event_view views[32];
    size_t count;
    views[0].size = sizeof views[0];
    if (acurast_queue_take(queue, views, ARRAY_SIZE(views), 100, &count) != ACURAST_OK)
        return;
    for (size_t i = 0; i < count; i++) {
        *outcomes += views[i].type == ACURAST_EVENT_OUTCOME;
        *writables += views[i].type == ACURAST_EVENT_WRITABLE;
    }
    assert_int_equal(acurast_queue_done(queue), ACURAST_OK);
}

static void test_22_untaken_outcomes_count(void **state)
{
    acurast_client_stats stats = {.size = sizeof stats};
    acurast_queue *queue;
    size_t outcomes = 0, writables = 0;
    (void)state;
    acurast_context *context = kit_context("1");
    acurast_service *service = kit_service(context, 0, NULL);
    assert_int_equal(acurast_queue_create(context, 0, 0, &queue), ACURAST_OK);
    acurast_client *client =
        kit_client(context, acurast_service_url(service), NULL, KIT_PAIRS("outbox-count", "4"), NULL);
    assert_int_equal(acurast_client_set_queue(client, queue, 0), ACURAST_OK);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(kit_send(client, acurast_client_id(client), "x", NULL), ACURAST_OK);
    KIT_EVENTUALLY(acurast_client_get_stats(client, &stats) == ACURAST_OK && stats.payloads_out == 4);
    assert_int_equal(stats.outbox_bytes, 0);
    assert_int_equal(kit_send(client, acurast_client_id(client), "x", NULL), ACURAST_OUTBOX_FULL);
    for (uint64_t end = kit_now_ms() + DEADLINE_MS; (outcomes < 4 || !writables) && kit_now_ms() < end;)
        drain(queue, &outcomes, &writables);
    assert_int_equal(outcomes, 4);
    assert_int_equal(writables, 1);
    assert_int_equal(kit_send(client, acurast_client_id(client), "x", NULL), ACURAST_OK);
    acurast_client_release(client);
    acurast_queue_release(queue);
    kit_context_end(context);
    acurast_service_release(service);
}

#define LARGE ((size_t)24 * 1024 * 1024)

/*
 * The service is stopped, so that a large payload is written in part and what follows it not at all; then it is killed, and another
 * takes its port. The payload before was written, to a process that will never read it: it is not sent again. The client sends to
 * itself, so that the recipient is there as soon as the sender.
 */
static void test_23_sent_again_after_a_loss(void **state)
{
    kit_log log;
    uint64_t written, large, after;
    unsigned char *payload = calloc(1, LARGE);
    (void)state;
    kit_log_init(&log);
    acurast_context *context = kit_context("1");
    kit_child service = kit_child_start(0);
    acurast_client *client = kit_connected(
        context, service.url, KIT_PAIRS(KIT_EAGER, "max-payload", "64MiB", "outbox-bytes", "128MiB"), &log);
    const uint8_t *to = acurast_client_id(client);
    kit_child_stop(&service);
    assert_int_equal(kit_send(client, to, "written", &written), ACURAST_OK);
    assert_true(kit_wait(&log, (kit_pattern){.type = ACURAST_EVENT_OUTCOME}, 1));
    memset(payload, 'L', LARGE);
    assert_int_equal(acurast_client_send(client, to, ACURAST_ID_SIZE, payload, LARGE, NULL, &large), ACURAST_OK);
    assert_int_equal(kit_send(client, to, "after", &after), ACURAST_OK);
    kit_child_kill(&service);
    assert_true(kit_wait_state(&log, ACURAST_STATE_DISCONNECTED, 1));
    assert_int_equal(kit_count(&log, (kit_pattern){.type = ACURAST_EVENT_OUTCOME}), 1);
    service = kit_child_start(service.port);
    assert_true(kit_wait(&log, (kit_pattern){.type = ACURAST_EVENT_OUTCOME}, 3));
    assert_true(kit_wait(&log, (kit_pattern){.type = ACURAST_EVENT_PAYLOAD}, 2));
    kit_client_end(client, &log);
    const kit_event *first = kit_find(&log, (kit_pattern){.type = ACURAST_EVENT_PAYLOAD}, 0);
    const kit_event *second = kit_find(&log, (kit_pattern){.type = ACURAST_EVENT_PAYLOAD}, 1);
    assert_int_equal(first->view.payload_size, LARGE);
    assert_memory_equal(first->payload, payload, LARGE);
    assert_string_equal(second->payload, "after");
    assert_int_equal(kit_count(&log, (kit_pattern){.type = ACURAST_EVENT_PAYLOAD}), 2);
    for (size_t i = 0; i < 3; i++) {
        const kit_event *outcome = kit_find(&log, (kit_pattern){.type = ACURAST_EVENT_OUTCOME}, i);
        assert_int_equal(outcome->view.operation, i == 0 ? written : i == 1 ? large : after);
        assert_int_equal(outcome->view.status, ACURAST_OK);
    }
    kit_child_kill(&service);
    kit_context_end(context);
    kit_log_clear(&log);
    free(payload);
}

int main(int argc, char **argv)
{
    kit_child_main(argc, argv);
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_16_order_of_a_thread),
        KIT_TEST(test_17_one_outcome_each),
        KIT_TEST(test_18_no_outcome_for_a_failed_call),
        KIT_TEST(test_19_cancel_one_of_many),
        KIT_TEST(test_20_expiry),
        KIT_TEST(test_21_full_and_writable),
        KIT_TEST(test_22_untaken_outcomes_count),
        KIT_TEST(test_23_sent_again_after_a_loss),
    };
    return cmocka_run_group_tests(tests, kit_warm_up, NULL);
}
