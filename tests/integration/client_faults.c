/* A client while services come and go: away at start, dead, killed, drained, frozen, unknown by name, of smaller limits. */
#include "support/client_kit.h"

static const kit_pattern disconnected = {.type = ACURAST_EVENT_STATE, .state = ACURAST_STATE_DISCONNECTED};
static const kit_pattern connected = {.type = ACURAST_EVENT_STATE, .state = ACURAST_STATE_CONNECTED};
static const kit_pattern any_payload = {.type = ACURAST_EVENT_PAYLOAD};
static const kit_pattern any_outcome = {.type = ACURAST_EVENT_OUTCOME};

/* A port that was free a moment ago. */
static uint16_t free_port(void)
{
    acurast_context *context = kit_context("1");
    acurast_service *service = kit_service(context, 0, NULL);
    uint16_t port = acurast_service_port(service);
    kit_service_end(service);
    kit_context_end(context);
    return port;
}

/* Thousands of clients without a service would fill a log else. */
static void test_what_repeats_is_said_once(void **state)
{
    static const kit_pattern log_line = {.type = ACURAST_EVENT_LOG};
    kit_log log;
    (void)state;
    kit_log_init(&log);
    acurast_context *context = kit_context("1");
    acurast_client *client = kit_client(context, "ws://127.0.0.1:1", NULL, KIT_PAIRS(KIT_EAGER, "linger", "0"), &log);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    assert_true(kit_wait(&log, disconnected, 20));
    kit_client_end(client, &log);
    assert_non_null(kit_find(&log, log_line, 0));
    assert_null(kit_find(&log, log_line, 1));
    kit_context_end(context);
    kit_log_clear(&log);
}

static void test_service_away_at_start(void **state)
{
    kit_log log;
    char url[64];
    uint16_t port = free_port();
    (void)state;
    kit_log_init(&log);
    snprintf(url, sizeof url, "ws://127.0.0.1:%u", port);
    acurast_context *context = kit_context("1");
    acurast_client *client = kit_client(context, url, NULL, KIT_PAIRS(KIT_EAGER), &log);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    for (int i = 0; i < 10; i++)
        assert_int_equal(kit_send(client, acurast_client_id(client), "patience", NULL), ACURAST_OK);
    assert_true(kit_wait(&log, disconnected, 3));
    assert_int_equal(kit_find(&log, disconnected, 0)->view.status, ACURAST_CONNECT);
    assert_int_equal(kit_count(&log, any_outcome), 0);
    acurast_service *service = kit_service(context, port, NULL);
    assert_int_equal(acurast_client_wait(client, DEADLINE_MS), ACURAST_OK);
    assert_true(kit_wait(&log, any_payload, 10));
    kit_client_end(client, &log);
    kit_context_end(context);
    acurast_service_release(service);
    kit_log_clear(&log);
}

static void check_failover(const char *failover, const char *first_again)
{
    kit_log log;
    char dead[64], urls[160];
    kit_log_init(&log);
    kit_child victim = kit_child_start(0);
    acurast_context *context = kit_context("1");
    acurast_service *good = kit_service(context, 0, NULL);
    snprintf(dead, sizeof dead, "ws://127.0.0.1:%u", free_port());
    snprintf(urls, sizeof urls, "%s %s %s", dead, victim.url, acurast_service_url(good));
    acurast_client *client = kit_client(context, urls, NULL, KIT_PAIRS(KIT_EAGER, "failover", failover), &log);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    assert_true(kit_wait(&log, connected, 1));
    kit_child_kill(&victim);
    assert_true(kit_wait(&log, connected, 2));
    kit_client_end(client, &log);
    assert_string_equal(kit_find(&log, connected, 0)->text, victim.url);
    assert_string_equal(kit_find(&log, connected, 1)->text, acurast_service_url(good));
    assert_int_equal(kit_find(&log, disconnected, 0)->view.retry_ms, 0);
    size_t at = 0;
    while (log.events[at]->view.state != ACURAST_STATE_CONNECTED)
        at++;
    while (log.events[at]->view.state != ACURAST_STATE_CONNECTING)
        at++;
    assert_string_equal(log.events[at]->text, strcmp(first_again, "dead") == 0 ? dead : victim.url);
    kit_context_end(context);
    acurast_service_release(good);
    kit_log_clear(&log);
}

static void test_first_of_the_list_is_dead(void **state)
{
    (void)state;
    check_failover("ordered", "dead");
    check_failover("sticky", "victim");
}

static void test_unknown_name(void **state)
{
    kit_log log;
    char urls[160];
    (void)state;
    kit_log_init(&log);
    acurast_context *context = kit_context("1");
    acurast_service *service = kit_service(context, 0, NULL);
    snprintf(urls, sizeof urls, "ws://no-such-host.invalid:9001 %s", acurast_service_url(service));
    acurast_client *client = kit_client(context, urls, NULL, NULL, &log);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    assert_int_equal(acurast_client_wait(client, DEADLINE_MS), ACURAST_OK);
    kit_client_end(client, &log);
    assert_int_equal(kit_find(&log, disconnected, 0)->view.status, ACURAST_RESOLVE);
    kit_context_end(context);
    acurast_service_release(service);
    kit_log_clear(&log);
}

/* The number at the beginning of the payload that came last. */
static int last_number(kit_log *log)
{
    size_t count = kit_count(log, any_payload);
    return count ? atoi((const char *)kit_find(log, any_payload, count - 1)->payload) : 0;
}

#define ROUNDS 4
#define PER_ROUND 300

/*
 * A client sends to itself while its service is killed and started again on the same port. Whatever comes does so once and in order;
 * what does not come was written to a service that died, and its outcome says so.
 */
static void test_killed_under_traffic(void **state)
{
    static uint64_t operations[ROUNDS * PER_ROUND];
    static bool came[ROUNDS * PER_ROUND];
    kit_log log;
    char text[600];
    int last = -1;
    (void)state;
    memset(came, 0, sizeof came);
    kit_log_init(&log);
    kit_child service = kit_child_start(0);
    acurast_context *context = kit_context("1");
    acurast_client *client = kit_connected(context, service.url, KIT_PAIRS(KIT_EAGER), &log);
    for (int i = 0; i < ROUNDS * PER_ROUND; i++) {
        memset(text, '.', sizeof text - 1);
        text[sizeof text - 1] = 0;
        text[snprintf(text, sizeof text, "%d", i)] = ' ';
        assert_int_equal(kit_send(client, acurast_client_id(client), text, &operations[i]), ACURAST_OK);
        if (i % PER_ROUND == PER_ROUND / 2) {
            kit_child_kill(&service);
            KIT_EVENTUALLY(acurast_client_state(client) != ACURAST_STATE_CONNECTED);
        }
        if (i % PER_ROUND == PER_ROUND - 1) {
            service = kit_child_start(service.port);
            KIT_EVENTUALLY(last_number(&log) == i);
        }
    }
    assert_true(kit_wait(&log, any_outcome, ROUNDS * PER_ROUND));
    assert_int_equal(kit_send(client, acurast_client_id(client), "-1", NULL), ACURAST_OK);
    KIT_EVENTUALLY(last_number(&log) == -1);
    kit_client_end(client, &log);
    kit_child_kill(&service);
    for (size_t i = 0; i < kit_count(&log, any_payload) - 1; i++) {
        int number = atoi((const char *)kit_find(&log, any_payload, i)->payload);
        assert_true(number > last);
        came[last = number] = true;
    }
    for (int i = 0; i < ROUNDS * PER_ROUND; i++) {
        kit_pattern one = {.type = ACURAST_EVENT_OUTCOME, .operation = operations[i]};
        assert_int_equal(kit_count(&log, one), 1);
        assert_int_equal(kit_find(&log, one, 0)->view.status, ACURAST_OK);
        if (i % PER_ROUND > PER_ROUND / 2)
            assert_true(came[i]); /* called for while no service was there */
    }
    kit_context_end(context);
    kit_log_clear(&log);
}

static void test_drained_service_is_come_back_to(void **state)
{
    kit_log log;
    (void)state;
    kit_log_init(&log);
    acurast_context *context = kit_context("1");
    acurast_service *service = kit_service(context, 0, NULL);
    uint16_t port = acurast_service_port(service);
    acurast_client *client = kit_connected(context, acurast_service_url(service), KIT_PAIRS(KIT_EAGER), &log);
    kit_service_end(service);
    assert_true(kit_wait(&log, disconnected, 1));
    assert_int_equal(kit_find(&log, disconnected, 0)->view.status, ACURAST_DRAINING);
    assert_int_equal(kit_find(&log, disconnected, 0)->view.close_code, 1001);
    assert_int_equal(kit_send(client, acurast_client_id(client), "while it is away", NULL), ACURAST_OK);
    service = kit_service(context, port, NULL);
    assert_true(kit_wait(&log, any_payload, 1));
    kit_client_end(client, &log);
    kit_context_end(context);
    acurast_service_release(service);
    kit_log_clear(&log);
}

static void test_frozen_service_is_noticed(void **state)
{
    kit_log log;
    (void)state;
    kit_log_init(&log);
    kit_child service = kit_child_start(0);
    acurast_context *context = kit_context("1");
    acurast_client *client = kit_connected(
        context, service.url, KIT_PAIRS("ping-interval", "50ms", "ping-timeout", "1s", "linger", "0"), &log);
    nanosleep(&(struct timespec){.tv_nsec = 400000000}, NULL); /* a few pings that are answered */
    assert_int_equal(kit_count(&log, disconnected), 0);
    kit_child_stop(&service);
    assert_true(kit_wait(&log, disconnected, 1));
    kit_client_end(client, &log);
    assert_int_equal(kit_find(&log, disconnected, 0)->view.status, ACURAST_UNRESPONSIVE);
    kit_child_kill(&service);
    kit_context_end(context);
    kit_log_clear(&log);
}

/* Towards a frozen service nothing is written any more: closing must end in bounded time all the same. */
static void test_close_towards_a_frozen_service(void **state)
{
    kit_log log;
    unsigned char *payload = calloc(1, 15u << 20);
    (void)state;
    kit_log_init(&log);
    kit_child service = kit_child_start(0);
    acurast_context *context = kit_context("1");
    acurast_client *client = kit_connected(context, service.url, KIT_PAIRS("linger", "200ms"), &log);
    kit_child_stop(&service);
    assert_int_equal(acurast_client_send(client, acurast_client_id(client), 16, payload, 15u << 20, NULL, NULL),
                     ACURAST_OK);
    uint64_t begin = kit_now_ms();
    kit_client_end(client, &log);
    assert_true(kit_now_ms() - begin >= 200);
    assert_true(kit_now_ms() - begin < 10000);
    assert_int_equal(kit_find(&log, any_outcome, 0)->view.status, ACURAST_CLOSED);
    kit_child_kill(&service);
    kit_context_end(context);
    kit_log_clear(&log);
    free(payload);
}

/* Without extensions the client learns the service's limit only by the close code. */
static void test_too_large_for_the_service(void **state)
{
    kit_log log;
    uint64_t large, small;
    unsigned char *payload = calloc(1, 15u << 20);
    (void)state;
    kit_log_init(&log);
    acurast_context *context = kit_context("1");
    acurast_service *service = kit_service(context, 0, KIT_PAIRS("max-frame", "64KiB"));
    acurast_client *client =
        kit_connected(context, acurast_service_url(service), KIT_PAIRS(KIT_EAGER, "extensions", "off"), &log);
    assert_int_equal(acurast_client_send(client, acurast_client_id(client), 16, payload, 15u << 20, NULL, &large),
                     ACURAST_OK);
    assert_int_equal(kit_send(client, acurast_client_id(client), "small", &small), ACURAST_OK);
    assert_true(kit_wait(&log, any_payload, 1));
    assert_true(kit_wait(&log, any_outcome, 2));
    kit_client_end(client, &log);
    assert_int_equal(kit_find(&log, (kit_pattern){.type = ACURAST_EVENT_OUTCOME, .operation = large}, 0)->view.status,
                     ACURAST_TOO_LARGE);
    assert_int_equal(kit_find(&log, (kit_pattern){.type = ACURAST_EVENT_OUTCOME, .operation = small}, 0)->view.status,
                     ACURAST_OK);
    assert_int_equal(kit_find(&log, disconnected, 0)->view.close_code, 1009);
    assert_string_equal(kit_find(&log, any_payload, 0)->payload, "small");
    kit_context_end(context);
    acurast_service_release(service);
    kit_log_clear(&log);
    free(payload);
}

static void test_too_large_for_the_client(void **state)
{
    static const char payload[5000];
    kit_log log;
    (void)state;
    kit_log_init(&log);
    acurast_context *context = kit_context("1");
    acurast_service *service = kit_service(context, 0, KIT_PAIRS("extensions", "off"));
    acurast_client *client =
        kit_connected(context, acurast_service_url(service), KIT_PAIRS(KIT_EAGER, "max-payload", "4KiB"), &log);
    acurast_client *sender = kit_connected(context, acurast_service_url(service), NULL, NULL);
    assert_int_equal(acurast_client_send(sender, acurast_client_id(client), 16, payload, sizeof payload, NULL, NULL),
                     ACURAST_OK);
    assert_int_equal(acurast_client_send(sender, acurast_client_id(client), 16, payload, 4096, NULL, NULL), ACURAST_OK);
    assert_true(kit_wait(&log, any_payload, 1));
    acurast_client_stats stats = {.size = sizeof stats};
    assert_int_equal(acurast_client_get_stats(client, &stats), ACURAST_OK);
    assert_int_equal(stats.large_payloads, 1);
    assert_int_equal(stats.connections, 1);
    acurast_client_release(sender);
    kit_client_end(client, &log);
    assert_int_equal(kit_find(&log, any_payload, 0)->view.payload_size, 4096);
    kit_context_end(context);
    acurast_service_release(service);
    kit_log_clear(&log);
}

/* A broadcast address: connect() fails at once. What is left of each attempt shows at the end, as descriptors of the loop. */
static void test_an_address_that_cannot_be_reached(void **state)
{
    kit_log log;
    (void)state;
    kit_log_init(&log);
    acurast_context *context = kit_context("1");
    acurast_client *client = kit_client(context, "ws://127.255.255.255:9", NULL, KIT_PAIRS(KIT_EAGER), &log);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    assert_true(kit_wait(&log, disconnected, 5));
    assert_int_equal(kit_find(&log, disconnected, 0)->view.status, ACURAST_CONNECT);
    kit_client_end(client, &log);
    kit_context_end(context);
    kit_log_clear(&log);
}

/* The frames of the handshake are larger than that. The service was told, and drops what the client would not take. */
static void test_small_payloads_only(void **state)
{
    kit_log log;
    (void)state;
    kit_log_init(&log);
    acurast_context *context = kit_context("1");
    acurast_service *service = kit_service(context, 0, NULL);
    acurast_client *client =
        kit_connected(context, acurast_service_url(service), KIT_PAIRS(KIT_EAGER, "max-payload", "1"), &log);
    acurast_client *sender = kit_connected(context, acurast_service_url(service), NULL, NULL);
    const uint8_t *id = acurast_client_id(client);
    assert_int_equal(acurast_client_send(sender, id, 16, "1", 1, NULL, NULL), ACURAST_OK);
    assert_true(kit_wait(&log, any_payload, 1));
    assert_int_equal(acurast_client_send(sender, id, 16, "12", 2, NULL, NULL), ACURAST_OK);
    assert_int_equal(acurast_client_send(sender, id, 16, "3", 1, NULL, NULL), ACURAST_OK);
    assert_true(kit_wait(&log, any_payload, 2));
    assert_string_equal(kit_find(&log, any_payload, 1)->payload, "3");
    acurast_client_stats stats = {.size = sizeof stats};
    assert_int_equal(acurast_client_get_stats(client, &stats), ACURAST_OK);
    assert_int_equal(stats.large_payloads, 0);
    assert_int_equal(stats.connections, 1);
    acurast_client_release(sender);
    kit_client_end(client, &log);
    kit_context_end(context);
    acurast_service_release(service);
    kit_log_clear(&log);
}

#define THREADS 4
#define SENDS 500

typedef struct sender {
    pthread_t thread;
    acurast_client *client;
    int accepted;
    int failures;
} sender;

/* Sends, waits where the outbox is full, and cancels now and then. */
static void *send_many(void *argument)
{
    sender *self = argument;
    while (self->accepted < SENDS) {
        uint64_t operation;
        acurast_status status = kit_send(self->client, acurast_client_id(self->client), "many threads", &operation);
        if (status == ACURAST_OUTBOX_FULL)
            kit_pause();
        else if (status != ACURAST_OK)
            self->failures++, self->accepted++;
        else if (++self->accepted % 7 == 0)
            self->failures += acurast_client_cancel(self->client, operation) != ACURAST_OK;
    }
    return NULL;
}

static void test_many_threads_while_services_die(void **state)
{
    kit_log log;
    sender senders[THREADS];
    (void)state;
    kit_log_init(&log);
    kit_child service = kit_child_start(0);
    acurast_context *context = kit_context("2");
    acurast_client *client = kit_connected(context, service.url, KIT_PAIRS(KIT_EAGER, "outbox-count", "64"), &log);
    for (int i = 0; i < THREADS; i++) {
        senders[i] = (sender){.client = client};
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_many, &senders[i]), 0);
    }
    for (size_t round = 0; round < 3; round++) {
        assert_true(kit_wait(&log, any_outcome, 300 * (round + 1)));
        kit_child_kill(&service);
        service = kit_child_start(service.port);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(senders[i].thread, NULL);
        assert_int_equal(senders[i].failures, 0);
    }
    assert_true(kit_wait(&log, any_outcome, (size_t)THREADS * SENDS));
    kit_client_end(client, &log);
    assert_int_equal(kit_count(&log, any_outcome), THREADS * SENDS);
    kit_child_kill(&service);
    kit_context_end(context);
    kit_log_clear(&log);
}

int main(int argc, char **argv)
{
    kit_child_main(argc, argv);
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_what_repeats_is_said_once),
        KIT_TEST(test_service_away_at_start),
        KIT_TEST(test_first_of_the_list_is_dead),
        KIT_TEST(test_unknown_name),
        KIT_TEST(test_killed_under_traffic),
        KIT_TEST(test_drained_service_is_come_back_to),
        KIT_TEST(test_frozen_service_is_noticed),
        KIT_TEST(test_close_towards_a_frozen_service),
        KIT_TEST(test_too_large_for_the_service),
        KIT_TEST(test_too_large_for_the_client),
        KIT_TEST(test_small_payloads_only),
        KIT_TEST(test_an_address_that_cannot_be_reached),
        KIT_TEST(test_many_threads_while_services_die),
    };
    return cmocka_run_group_tests(tests, kit_warm_up, NULL);
}
