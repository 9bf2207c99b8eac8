/* Sentences 24 to 36 of core/docs/threading.md: how clients and contexts end. The number of a test is that of its sentence. */
#include "support/client_kit.h"

static const kit_pattern any_closed = {.type = ACURAST_EVENT_STATE, .state = ACURAST_STATE_CLOSED};
static const kit_pattern any_outcome = {.type = ACURAST_EVENT_OUTCOME};

/* A context, a service, and a client of it with a log. */
typedef struct stage {
    acurast_context *context;
    acurast_service *service;
    acurast_client *client;
    kit_log log;
} stage;

static void stage_open(stage *it, const char *const *service, const char *const *client)
{
    kit_log_init(&it->log);
    it->context = kit_context("1");
    it->service = kit_service(it->context, 0, service);
    it->client = kit_client(it->context, acurast_service_url(it->service), NULL, client, &it->log);
}

static void stage_connect(stage *it)
{
    assert_int_equal(acurast_client_connect(it->client), ACURAST_OK);
    assert_int_equal(acurast_client_wait(it->client, DEADLINE_MS), ACURAST_OK);
}

static void stage_close(stage *it)
{
    acurast_client_release(it->client);
    kit_context_end(it->context);
    acurast_service_release(it->service);
    kit_log_clear(&it->log);
}

static void test_24_close_twice(void **state)
{
    stage it;
    (void)state;
    stage_open(&it, NULL, NULL);
    stage_connect(&it);
    for (int i = 0; i < 3; i++)
        assert_int_equal(acurast_client_close(it.client), ACURAST_OK);
    assert_true(kit_wait_destroyed(&it.log));
    assert_int_equal(acurast_client_close(it.client), ACURAST_OK);
    assert_int_equal(kit_count(&it.log, any_closed), 1);
    stage_close(&it);
}

static void test_25_no_sends_after_close(void **state)
{
    stage it;
    (void)state;
    stage_open(&it, NULL, NULL);
    stage_connect(&it);
    acurast_client_close(it.client);
    assert_int_equal(kit_send(it.client, acurast_client_id(it.client), "late", NULL), ACURAST_CLOSED);
    assert_true(kit_wait_destroyed(&it.log));
    assert_int_equal(kit_send(it.client, acurast_client_id(it.client), "later", NULL), ACURAST_CLOSED);
    assert_int_equal(acurast_client_wait(it.client, -1), ACURAST_CLOSED);
    assert_int_equal(kit_count(&it.log, any_outcome), 0);
    stage_close(&it);
}

static void test_26_linger(void **state)
{
    stage it;
    char url[64];
    kit_log log;
    (void)state;
    stage_open(&it, NULL, KIT_PAIRS("linger", "30s"));
    assert_int_equal(acurast_client_connect(it.client), ACURAST_OK);
    for (int i = 0; i < 100; i++)
        assert_int_equal(kit_send(it.client, acurast_client_id(it.client), "before the close", NULL), ACURAST_OK);
    acurast_client_close(it.client);
    assert_true(kit_wait_destroyed(&it.log));
    assert_int_equal(
        kit_count(&it.log, (kit_pattern){.type = ACURAST_EVENT_OUTCOME, .with_status = true, .status = ACURAST_OK}),
        100);
    snprintf(url, sizeof url, "%s", acurast_service_url(it.service));
    kit_service_end(it.service);
    kit_log_init(&log);
    acurast_client *client = kit_client(it.context, url, NULL, KIT_PAIRS(KIT_EAGER, "linger", "50ms"), &log);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    assert_int_equal(kit_send(client, acurast_client_id(client), "to nobody", NULL), ACURAST_OK);
    uint64_t begin = kit_now_ms();
    acurast_client_close(client);
    assert_true(kit_wait_destroyed(&log));
    assert_true(kit_now_ms() - begin >= 50);
    assert_int_equal(
        kit_count(&log, (kit_pattern){.type = ACURAST_EVENT_OUTCOME, .with_status = true, .status = ACURAST_CLOSED}),
        1);
    acurast_client_release(client);
    kit_log_clear(&log);
    it.service = NULL;
    stage_close(&it);
}

#define STORM 40

/* Clients closed at all stages of their lives, some by their own callback. */
static void close_at_state(kit_log *log, const acurast_event_view *event)
{
    acurast_state *when = log->data;
    if (event->type == ACURAST_EVENT_STATE && event->state == *when)
        acurast_client_close(log->client);
}

static void test_27_closed_once_and_last(void **state)
{
    static acurast_state whens[] = {ACURAST_STATE_CONNECTING, ACURAST_STATE_AUTHENTICATING, ACURAST_STATE_CONNECTED,
                                    ACURAST_STATE_CLOSED};
    kit_log logs[STORM];
    acurast_client *clients[STORM];
    (void)state;
    acurast_context *context = kit_context("2");
    acurast_service *service = kit_service(context, 0, NULL);
    for (int i = 0; i < STORM; i++) {
        kit_log_init(&logs[i]);
        logs[i].hook = close_at_state;
        logs[i].data = &whens[i % 4];
        clients[i] = kit_client(context, acurast_service_url(service), NULL, KIT_PAIRS("linger", "0"), &logs[i]);
        assert_int_equal(acurast_client_connect(clients[i]), ACURAST_OK);
        kit_send(clients[i], acurast_client_id(clients[i]), "in the storm", NULL);
        if (i % 4 == 3 && i % 8 == 3)
            kit_pause();
        if (i % 4 == 3)
            acurast_client_close(clients[i]);
    }
    for (int i = 0; i < STORM; i++) {
        assert_true(kit_wait_destroyed(&logs[i]));
        assert_int_equal(kit_count(&logs[i], any_closed), 1);
        const kit_event *last = logs[i].events[logs[i].count - 1];
        assert_int_equal(last->view.type, ACURAST_EVENT_STATE);
        assert_int_equal(last->view.state, ACURAST_STATE_CLOSED);
        assert_int_equal(last->view.retry_ms, -1);
        assert_true(kit_count(&logs[i], any_outcome) <= 1);
        acurast_client_release(clients[i]);
        kit_log_clear(&logs[i]);
    }
    kit_context_end(context);
    acurast_service_release(service);
}

static void test_28_why_it_closed(void **state)
{
    acurast_identity *identity;
    kit_log log;
    char hex[2 * ACURAST_ID_SIZE + 1] = "";
    uint8_t id[ACURAST_ID_SIZE];
    (void)state;
    kit_log_init(&log);
    assert_int_equal(acurast_identity_generate(ACURAST_KEY_P256, &identity), ACURAST_OK);
    acurast_identity_id(identity, id);
    for (size_t i = 0; i < sizeof id; i++)
        snprintf(hex + 2 * i, 3, "%02x", id[i]);
    acurast_context *context = kit_context("1");
    acurast_service *service = kit_service(context, 0, KIT_PAIRS("deny", hex));
    acurast_client *denied = kit_client(context, acurast_service_url(service), identity, NULL, &log);
    assert_int_equal(acurast_client_connect(denied), ACURAST_OK);
    assert_int_equal(acurast_client_wait(denied, DEADLINE_MS), ACURAST_DENIED);
    assert_true(kit_wait_destroyed(&log));
    assert_int_equal(kit_find(&log, any_closed, 0)->view.status, ACURAST_DENIED);
    acurast_client_release(denied);
    kit_log_clear(&log);
    kit_log_init(&log);
    acurast_client *client = kit_connected(context, acurast_service_url(service), NULL, &log);
    kit_client_end(client, &log);
    assert_int_equal(kit_find(&log, any_closed, 0)->view.status, ACURAST_OK);
    acurast_identity_release(identity);
    kit_context_end(context);
    acurast_service_release(service);
    kit_log_clear(&log);
}

static void test_29_never_connected(void **state)
{
    kit_log log;
    (void)state;
    kit_log_init(&log);
    acurast_context *context = kit_context("1");
    acurast_client *client = kit_client(context, "ws://127.0.0.1:9", NULL, NULL, &log);
    assert_int_equal(acurast_client_close(client), ACURAST_OK);
    assert_int_equal(log.count, 1);
    assert_int_equal(log.events[0]->view.state, ACURAST_STATE_CLOSED);
    assert_true(pthread_equal(log.events[0]->thread, pthread_self()));
    assert_int_equal(log.destroyed, 1);
    assert_int_equal(acurast_client_state(client), ACURAST_STATE_CLOSED);
    acurast_client_release(client);
    acurast_context_release(context);
    kit_log_clear(&log);
}

/* Says whether an event came after the destructor: then the log's count has moved on. */
static void test_30_destructor_after_the_last_event(void **state)
{
    stage it;
    (void)state;
    stage_open(&it, NULL, NULL);
    stage_connect(&it);
    for (int i = 0; i < 50; i++)
        kit_send(it.client, acurast_client_id(it.client), "x", NULL);
    acurast_client_close(it.client);
    assert_true(kit_wait_destroyed(&it.log));
    size_t count = it.log.count;
    acurast_client_release(it.client);
    it.client = NULL;
    kit_context_end(it.context);
    assert_int_equal(it.log.count, count);
    assert_int_equal(it.log.destroyed, 1);
    acurast_service_release(it.service);
    kit_log_clear(&it.log);
}

/* All orders in which four handles can be given back. */
static void test_31_release_in_any_order(void **state)
{
    (void)state;
    acurast_client_release(NULL);
    acurast_service_release(NULL);
    acurast_context_release(NULL);
    acurast_queue_release(NULL);
    acurast_options_release(NULL);
    acurast_identity_release(NULL);
    for (unsigned order = 0; order < 256; order++) {
        unsigned turn[4] = {order & 3, order >> 2 & 3, order >> 4 & 3, order >> 6 & 3};
        if (((1u << turn[0]) | (1u << turn[1]) | (1u << turn[2]) | (1u << turn[3])) != 15)
            continue;
        acurast_queue *queue;
        acurast_context *context = kit_context("1");
        acurast_service *service = kit_service(context, 0, KIT_PAIRS("drain-time", "0"));
        assert_int_equal(acurast_queue_create(context, 0, 0, &queue), ACURAST_OK);
        acurast_client *client =
            kit_client(context, acurast_service_url(service), NULL, KIT_PAIRS("linger", "0"), NULL);
        assert_int_equal(acurast_client_set_queue(client, queue, 0), ACURAST_OK);
        assert_int_equal(acurast_client_connect(client), ACURAST_OK);
        if (order % 3 == 0)
            assert_int_equal(acurast_client_wait(client, DEADLINE_MS), ACURAST_OK);
        for (int i = 0; i < 4; i++) {
            if (turn[i] == 0)
                acurast_client_release(client);
            else if (turn[i] == 1)
                acurast_service_release(service);
            else if (turn[i] == 2)
                acurast_queue_release(queue);
            else
                acurast_context_release(context);
        }
    }
}

static void release_at_payload(kit_log *log, const acurast_event_view *event)
{
    if (event->type == ACURAST_EVENT_PAYLOAD)
        acurast_client_release(log->client);
}

static void test_32_nothing_after_release(void **state)
{
    stage it;
    (void)state;
    stage_open(&it, NULL, NULL);
    it.log.hook = release_at_payload;
    stage_connect(&it);
    acurast_client *sender = kit_connected(it.context, acurast_service_url(it.service), NULL, NULL);
    for (int i = 0; i < 20; i++)
        assert_int_equal(kit_send(sender, acurast_client_id(it.client), "only the first one counts", NULL), ACURAST_OK);
    assert_true(kit_wait_destroyed(&it.log));
    assert_int_equal(it.log.events[it.log.count - 1]->view.type, ACURAST_EVENT_PAYLOAD);
    assert_int_equal(kit_count(&it.log, (kit_pattern){.type = ACURAST_EVENT_PAYLOAD}), 1);
    it.client = NULL; /* released by its callback */
    acurast_client_release(sender);
    stage_close(&it);
}

static void test_33_context_closes_all(void **state)
{
    stage it;
    acurast_client *client;
    acurast_service *service;
    (void)state;
    stage_open(&it, NULL, NULL);
    stage_connect(&it);
    acurast_client *waiting = kit_client(it.context, "ws://127.0.0.1:9", NULL, NULL, NULL);
    acurast_options *options = kit_options(ACURAST_SCOPE_CLIENT, KIT_PAIRS("url", "ws://127.0.0.1:9"));
    for (int i = 0; i < 2; i++)
        assert_int_equal(acurast_context_close(it.context), ACURAST_OK);
    assert_true(kit_wait_destroyed(&it.log));
    assert_int_equal(acurast_service_wait(it.service, DEADLINE_MS), ACURAST_OK);
    assert_int_equal(acurast_client_create(it.context, options, NULL, &client), ACURAST_CLOSED);
    assert_int_equal(acurast_service_create(it.context, NULL, &service), ACURAST_CLOSED);
    assert_int_equal(acurast_client_connect(waiting), ACURAST_CLOSED);
    acurast_client_release(waiting);
    acurast_options_release(options);
    stage_close(&it);
}

static void test_34_context_wait_joins(void **state)
{
    stage it;
    (void)state;
    int threads = kit_count_entries("/proc/self/task");
    stage_open(&it, NULL, NULL);
    stage_connect(&it);
    assert_int_equal(acurast_context_wait(it.context, 10), ACURAST_TIMEOUT);
    for (int i = 0; i < 100; i++)
        kit_send(it.client, acurast_client_id(it.client), "x", NULL);
    assert_int_equal(acurast_context_close(it.context), ACURAST_OK);
    assert_int_equal(acurast_context_wait(it.context, DEADLINE_MS), ACURAST_OK);
    assert_int_equal(it.log.destroyed, 1);
    assert_int_equal(kit_count(&it.log, any_outcome), 100);
    KIT_EVENTUALLY(kit_count_entries("/proc/self/task") ==
                   threads); /* those that were joined may be listed a little longer */
    assert_int_equal(acurast_context_wait(it.context, -1), ACURAST_OK);
    stage_close(&it);
}

static void test_35_threads_end_by_themselves(void **state)
{
    stage it;
    (void)state;
    int threads = kit_count_entries("/proc/self/task");
    stage_open(&it, NULL, NULL);
    stage_connect(&it);
    acurast_client_release(it.client);
    acurast_context_release(it.context);
    acurast_service_release(it.service);
    KIT_EVENTUALLY(kit_count_entries("/proc/self/task") == threads);
    assert_true(kit_wait_destroyed(&it.log));
    kit_log_clear(&it.log);
}

static void test_36_clients_outlive_the_context_handle(void **state)
{
    stage it;
    (void)state;
    stage_open(&it, NULL, NULL);
    acurast_client *never = kit_client(it.context, "ws://127.0.0.1:9", NULL, NULL, NULL);
    stage_connect(&it);
    acurast_context_release(it.context);
    assert_int_equal(kit_send(it.client, acurast_client_id(it.client), "still here", NULL), ACURAST_OK);
    assert_true(kit_wait(&it.log, (kit_pattern){.type = ACURAST_EVENT_PAYLOAD}, 1));
    kit_client_end(it.client, &it.log);
    acurast_client_release(never);
    kit_service_end(it.service);
    kit_log_clear(&it.log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_24_close_twice),
        KIT_TEST(test_25_no_sends_after_close),
        KIT_TEST(test_26_linger),
        KIT_TEST(test_27_closed_once_and_last),
        KIT_TEST(test_28_why_it_closed),
        KIT_TEST(test_29_never_connected),
        KIT_TEST(test_30_destructor_after_the_last_event),
        KIT_TEST(test_31_release_in_any_order),
        KIT_TEST(test_32_nothing_after_release),
        KIT_TEST(test_33_context_closes_all),
        KIT_TEST(test_34_context_wait_joins),
        KIT_TEST(test_35_threads_end_by_themselves),
        KIT_TEST(test_36_clients_outlive_the_context_handle),
    };
    return cmocka_run_group_tests(tests, kit_warm_up, NULL);
}
