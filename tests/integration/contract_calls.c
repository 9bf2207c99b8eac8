/* Sentences 1 to 15 of core/docs/threading.md: calls, birth, events. The number of a test is that of its sentence. */
#include "support/client_kit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>

#define THREADS 6
#define SENDS 200

typedef struct caller {
    pthread_t thread;
    acurast_client *client;
    kit_log *log;
    int failures;
} caller;

/* Every function of a client, again and again. */
static void *call_everything(void *argument)
{
    caller *self = argument;
    acurast_client_stats stats = {.size = sizeof stats};
    for (int i = 0; i < SENDS; i++) {
        uint64_t operation = 0;
        const uint8_t *id = acurast_client_id(self->client);
        self->failures += kit_send(self->client, id, "to myself", &operation) != ACURAST_OK;
        self->failures += acurast_client_cancel(self->client, operation) != ACURAST_OK;
        self->failures += acurast_client_get_stats(self->client, &stats) != ACURAST_OK;
        self->failures += acurast_client_state(self->client) == ACURAST_STATE_IDLE;
        self->failures += acurast_client_wait(self->client, 0) == ACURAST_BAD_STATE;
        self->failures += acurast_client_connect(self->client) != ACURAST_BAD_STATE;
        self->failures += acurast_client_set_callback(self->client, kit_on_event, NULL, NULL) != ACURAST_BAD_STATE;
    }
    return NULL;
}

static void test_01_any_thread(void **state)
{
    kit_log log;
    caller callers[THREADS];
    (void)state;
    kit_log_init(&log);
    acurast_context *context = kit_context("2");
    acurast_service *service = kit_service(context, 0, NULL);
    acurast_client *client = kit_client(context, acurast_service_url(service), NULL, NULL, &log);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    for (int i = 0; i < THREADS; i++) {
        callers[i] = (caller){.client = client, .log = &log};
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call_everything, &callers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(callers[i].thread, NULL);
        assert_int_equal(callers[i].failures, 0);
    }
    assert_true(kit_wait(&log, (kit_pattern){.type = ACURAST_EVENT_OUTCOME}, (size_t)THREADS * SENDS));
    kit_client_end(client, &log);
    kit_context_end(context);
    acurast_service_release(service);
    kit_log_clear(&log);
}

/* A service that accepts connections and never says a word: whoever waited for it would wait long. */
static int silent_listener(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 8), 0);
    getsockname(listener, (struct sockaddr *)&address, &size);
    *port = ntohs(address.sin_port);
    return listener;
}

static void test_02_no_call_waits(void **state)
{
    char url[64];
    uint16_t port;
    (void)state;
    int listener = silent_listener(&port);
    snprintf(url, sizeof url, "ws://127.0.0.1:%u", port);
    acurast_context *context = kit_context("1");
    uint64_t begin = kit_now_ms();
    acurast_client *client = kit_client(context, url, NULL, KIT_PAIRS("connect-timeout", "60s", "linger", "0"), NULL);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    assert_int_equal(kit_send(client, acurast_client_id(client), "waits", NULL), ACURAST_OK);
    assert_int_equal(acurast_client_wait(client, 10), ACURAST_TIMEOUT);
    assert_int_equal(acurast_client_close(client), ACURAST_OK);
    acurast_client_release(client);
    acurast_context_release(context);
    assert_true(kit_now_ms() - begin < 20000);
    close(listener);
}

/* What waiting calls answered in a callback. */
typedef struct answers {
    acurast_context *context;
    acurast_service *service;
    acurast_queue *queue;
    acurast_status client_wait, context_wait, service_wait, take;
} answers;

static void wait_in_callback(kit_log *log, const acurast_event_view *event)
{
    answers *told = log->data;
    acurast_event_view view = {.size = sizeof view};
    size_t count;
    if (event->type != ACURAST_EVENT_STATE || event->state != ACURAST_STATE_CONNECTED)
        return;
    told->client_wait = acurast_client_wait(log->client, -1);
    told->context_wait = acurast_context_wait(told->context, -1);
    told->service_wait = acurast_service_wait(told->service, -1);
    told->take = acurast_queue_take(told->queue, &view, 1, -1, &count);
    acurast_client_close(log->client);
}

static void test_03_no_deadlock_in_callbacks(void **state)
{
    kit_log log;
    answers told = {0};
    (void)state;
    kit_log_init(&log);
    told.context = kit_context("1");
    told.service = kit_service(told.context, 0, NULL);
    assert_int_equal(acurast_queue_create(told.context, 0, 0, &told.queue), ACURAST_OK);
    log.hook = wait_in_callback;
    log.data = &told;
    acurast_client *client = kit_client(told.context, acurast_service_url(told.service), NULL, NULL, &log);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    assert_true(kit_wait_destroyed(&log));
    assert_int_equal(told.client_wait, ACURAST_WOULD_DEADLOCK);
    assert_int_equal(told.context_wait, ACURAST_WOULD_DEADLOCK);
    assert_int_equal(told.service_wait, ACURAST_WOULD_DEADLOCK);
    assert_int_equal(told.take, ACURAST_WOULD_DEADLOCK);
    acurast_client_release(client);
    acurast_queue_release(told.queue);
    kit_context_end(told.context);
    acurast_service_release(told.service);
    kit_log_clear(&log);
}

static void test_04_arguments_are_copied(void **state)
{
    kit_log log;
    char url[64], payload[] = "as it was", recipient[2 * ACURAST_ID_SIZE + 1] = "";
    (void)state;
    kit_log_init(&log);
    acurast_context *context = kit_context("1");
    acurast_service *service = kit_service(context, 0, NULL);
    snprintf(url, sizeof url, "%s", acurast_service_url(service));
    acurast_client *client = kit_client(context, url, NULL, NULL, &log);
    memset(url, 'x', sizeof url);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    for (size_t i = 0; i < ACURAST_ID_SIZE; i++)
        snprintf(recipient + 2 * i, 3, "%02x", acurast_client_id(client)[i]);
    acurast_send_params params = {.size = sizeof params, .token = 7};
    assert_int_equal(acurast_client_send(client, recipient, strlen(recipient), payload, strlen(payload), &params, NULL),
                     ACURAST_OK);
    memset(payload, 0, sizeof payload);
    memset(recipient, 0, sizeof recipient);
    memset(&params, 0xff, sizeof params);
    assert_true(kit_wait(&log, (kit_pattern){.type = ACURAST_EVENT_PAYLOAD}, 1));
    assert_true(kit_wait(&log, (kit_pattern){.type = ACURAST_EVENT_OUTCOME}, 1));
    kit_client_end(client, &log);
    assert_string_equal(kit_find(&log, (kit_pattern){.type = ACURAST_EVENT_PAYLOAD}, 0)->payload, "as it was");
    assert_int_equal(kit_find(&log, (kit_pattern){.type = ACURAST_EVENT_OUTCOME}, 0)->view.token, 7);
    kit_context_end(context);
    acurast_service_release(service);
    kit_log_clear(&log);
}

static void test_05_threads_start_with_connect(void **state)
{
    (void)state;
    int threads = kit_count_entries("/proc/self/task"), descriptors = kit_count_entries("/proc/self/fd");
    acurast_context *context = kit_context("2");
    acurast_client *client = kit_client(context, "ws://127.0.0.1:9", NULL, NULL, NULL);
    assert_int_equal(kit_count_entries("/proc/self/task"), threads);
    assert_int_equal(kit_count_entries("/proc/self/fd"), descriptors);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
#ifdef __linux__
    assert_true(kit_count_entries("/proc/self/task") >= threads + 2);
#endif
    acurast_client_release(client);
    kit_context_end(context);
}

static void test_06_no_event_before_connect(void **state)
{
    kit_log log;
    (void)state;
    kit_log_init(&log);
    acurast_context *context = kit_context("1");
    acurast_service *service = kit_service(context, 0, NULL);
    acurast_client *client = kit_client(context, acurast_service_url(service), NULL, NULL, &log);
    acurast_client *other = kit_connected(context, acurast_service_url(service), NULL, NULL);
    assert_int_equal(acurast_client_state(client), ACURAST_STATE_IDLE);
    assert_int_equal(kit_send(client, acurast_client_id(other), "too early", NULL), ACURAST_BAD_STATE);
    assert_int_equal(acurast_client_wait(client, 0), ACURAST_BAD_STATE);
    assert_int_equal(log.count, 0);
    kit_client_end(client, &log);
    acurast_client_release(other);
    kit_context_end(context);
    acurast_service_release(service);
    kit_log_clear(&log);
}

static void test_07_delivery_is_chosen_once(void **state)
{
    kit_log log;
    acurast_queue *queue;
    (void)state;
    kit_log_init(&log);
    acurast_context *context = kit_context("1");
    assert_int_equal(acurast_queue_create(context, 0, 0, &queue), ACURAST_OK);
    acurast_client *client = kit_client(context, "ws://127.0.0.1:9", NULL, NULL, &log);
    assert_int_equal(acurast_client_set_queue(client, queue, 1), ACURAST_BAD_STATE);
    assert_int_equal(acurast_client_set_callback(client, kit_on_event, &log, NULL), ACURAST_BAD_STATE);
    acurast_client *late = kit_client(context, "ws://127.0.0.1:9", NULL, NULL, NULL);
    assert_int_equal(acurast_client_connect(late), ACURAST_OK);
    assert_int_equal(acurast_client_set_queue(late, queue, 1), ACURAST_BAD_STATE);
    assert_int_equal(acurast_client_set_callback(late, kit_on_event, &log, NULL), ACURAST_BAD_STATE);
    acurast_client_release(late);
    kit_client_end(client, &log);
    acurast_queue_release(queue);
    kit_context_end(context);
    assert_int_equal(log.destroyed, 1);
    kit_log_clear(&log);
}

static void test_08_connect_once(void **state)
{
    (void)state;
    acurast_context *context = kit_context("1");
    acurast_client *client = kit_client(context, "ws://127.0.0.1:9", NULL, NULL, NULL);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    assert_int_equal(acurast_client_connect(client), ACURAST_BAD_STATE);
    acurast_client_close(client);
    assert_int_equal(acurast_client_connect(client), ACURAST_CLOSED);
    acurast_client_release(client);
    acurast_client *closed = kit_client(context, "ws://127.0.0.1:9", NULL, NULL, NULL);
    acurast_client_close(closed);
    assert_int_equal(acurast_client_connect(closed), ACURAST_CLOSED);
    acurast_client_release(closed);
    kit_context_end(context);
}

#define NUMBERED 500

static void send_numbers(acurast_client *client, const uint8_t *recipient)
{
    char text[16];
    acurast_send_params quiet = {.size = sizeof quiet, .no_outcome = 1};
    for (int i = 0; i < NUMBERED; i++) {
        snprintf(text, sizeof text, "%d", i);
        assert_int_equal(acurast_client_send(client, recipient, ACURAST_ID_SIZE, text, strlen(text), &quiet, NULL),
                         ACURAST_OK);
    }
}

static void test_09_one_thread_in_order(void **state)
{
    kit_log log;
    (void)state;
    kit_log_init(&log);
    acurast_context *context = kit_context("3");
    acurast_service *service = kit_service(context, 0, NULL);
    acurast_client *client = kit_connected(context, acurast_service_url(service), NULL, &log);
    acurast_client *sender = kit_connected(context, acurast_service_url(service), NULL, NULL);
    send_numbers(sender, acurast_client_id(client));
    assert_true(kit_wait(&log, (kit_pattern){.type = ACURAST_EVENT_PAYLOAD}, NUMBERED));
    acurast_client_release(sender);
    kit_client_end(client, &log);
    static const acurast_state states[] = {ACURAST_STATE_CONNECTING, ACURAST_STATE_AUTHENTICATING,
                                           ACURAST_STATE_CONNECTED};
    for (size_t i = 0; i < ARRAY_SIZE(states); i++)
        assert_int_equal(log.events[i]->view.state, states[i]);
    for (int i = 0; i < NUMBERED; i++)
        assert_int_equal(atoi((char *)kit_find(&log, (kit_pattern){.type = ACURAST_EVENT_PAYLOAD}, (size_t)i)->payload),
                         i);
    for (size_t i = 1; i < log.count; i++)
        assert_true(pthread_equal(log.events[i]->thread, log.events[0]->thread));
    assert_false(pthread_equal(log.events[0]->thread, pthread_self()));
    kit_context_end(context);
    acurast_service_release(service);
    kit_log_clear(&log);
}

/* Does in the callback whatever takes locks, and leaves by closing and releasing the client. */
static void everything_in_callback(kit_log *log, const acurast_event_view *event)
{
    answers *told = log->data;
    acurast_client *client = log->client;
    acurast_client *another;
    uint64_t operation;
    if (event->type == ACURAST_EVENT_STATE && event->state == ACURAST_STATE_CONNECTED)
        told->client_wait = kit_send(client, acurast_client_id(client), "from the callback", &operation);
    if (event->type != ACURAST_EVENT_PAYLOAD)
        return;
    acurast_options *options;
    acurast_options_create(ACURAST_SCOPE_CLIENT, &options);
    acurast_options_set(options, "url", acurast_service_url(told->service));
    told->take = acurast_client_create(told->context, options, NULL, &another);
    acurast_options_release(options);
    if (told->take == ACURAST_OK) {
        told->take = acurast_client_connect(another);
        acurast_client_release(another);
    }
    told->context_wait = kit_send(client, event->sender, "again", &operation);
    told->service_wait = acurast_client_cancel(client, operation);
    acurast_client_close(client);
    acurast_client_release(client);
}

static void test_10_callbacks_may_call_everything(void **state)
{
    kit_log log;
    answers told = {0};
    (void)state;
    kit_log_init(&log);
    told.context = kit_context("1");
    told.service = kit_service(told.context, 0, NULL);
    log.hook = everything_in_callback;
    log.data = &told;
    acurast_client *client = kit_client(told.context, acurast_service_url(told.service), NULL, NULL, &log);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    assert_true(kit_wait_destroyed(&log));
    assert_int_equal(told.client_wait, ACURAST_OK);
    assert_int_equal(told.take, ACURAST_OK);
    assert_int_equal(told.context_wait, ACURAST_OK);
    assert_int_equal(told.service_wait, ACURAST_OK);
    kit_context_end(told.context);
    acurast_service_release(told.service);
    kit_log_clear(&log);
}

/* Takes events until `wanted` of a type have come; returns the status of the last outcome. */
static acurast_status take_until(acurast_queue *queue, acurast_event_type type, size_t wanted)
{
    acurast_event_view views[16];
    acurast_status last = ACURAST_OK;
    uint64_t end = kit_now_ms() + DEADLINE_MS;
    while (wanted && kit_now_ms() < end) {
        size_t count = 0;
        views[0].size = sizeof views[0];
        if (acurast_queue_take(queue, views, ARRAY_SIZE(views), 1000, &count) != ACURAST_OK)
            continue;
        for (size_t i = 0; i < count && wanted; i++)
            if (views[i].type == type) {
                wanted--;
                last = views[i].status;
            }
        assert_int_equal(acurast_queue_done(queue), ACURAST_OK);
    }
    assert_int_equal(wanted, 0);
    return last;
}

static void test_11_queue_keeps_threads_out(void **state)
{
    acurast_queue *queue;
    (void)state;
    acurast_context *context = kit_context("1");
    acurast_service *service = kit_service(context, 0, NULL);
    assert_int_equal(acurast_queue_create(context, 0, 0, &queue), ACURAST_OK);
    acurast_client *client = kit_client(context, acurast_service_url(service), NULL, NULL, NULL);
    assert_int_equal(acurast_client_set_queue(client, queue, 42), ACURAST_OK);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    assert_int_equal(kit_send(client, acurast_client_id(client), "hello", NULL), ACURAST_OK);
    take_until(queue, ACURAST_EVENT_PAYLOAD, 1);
    acurast_client_close(client);
    take_until(queue, ACURAST_EVENT_STATE, 1);
    acurast_client_release(client);
    acurast_queue_release(queue);
    kit_context_end(context);
    acurast_service_release(service);
}

static bool readable(acurast_queue *queue, int timeout_ms)
{
    struct pollfd watched = {.fd = acurast_queue_descriptor(queue), .events = POLLIN};
    return poll(&watched, 1, timeout_ms) == 1;
}

static void test_12_descriptor(void **state)
{
    acurast_event_view views[1] = {{.size = sizeof *views}};
    acurast_queue *queue;
    size_t count, seen = 0;
    (void)state;
    acurast_context *context = kit_context("1");
    assert_int_equal(acurast_queue_create(context, 0, 0, &queue), ACURAST_OK);
    assert_false(readable(queue, 0));
    acurast_client *client = kit_client(context, "ws://127.0.0.1:9", NULL, NULL, NULL);
    assert_int_equal(acurast_client_set_queue(client, queue, 0), ACURAST_OK);
    acurast_client_close(client); /* which tells CLOSED, at once */
    assert_true(readable(queue, DEADLINE_MS));
    while (readable(queue, 0)) {
        assert_int_equal(acurast_queue_take(queue, views, 1, 0, &count), ACURAST_OK);
        seen += count;
        assert_int_equal(acurast_queue_done(queue), ACURAST_OK);
    }
    assert_int_equal(seen, 1);
    acurast_client_release(client);
    acurast_queue_release(queue);
    acurast_context_release(context);
}

#define FLOOD 2000

/* Many payloads towards a client whose queue holds ten, which nobody drains yet. */
static void test_13_full_queue_pauses_reading(void **state)
{
    acurast_event_view views[64];
    acurast_client_stats stats = {.size = sizeof stats};
    acurast_queue *queue;
    char text[16];
    static const char filler[4096];
    int next = 0;
    (void)state;
    acurast_context *context = kit_context("1");
    acurast_service *service = kit_service(context, 0, NULL);
    assert_int_equal(acurast_queue_create(context, 10, 0, &queue), ACURAST_OK);
    acurast_client *client = kit_client(context, acurast_service_url(service), NULL, NULL, NULL);
    assert_int_equal(acurast_client_set_queue(client, queue, 0), ACURAST_OK);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    assert_int_equal(acurast_client_wait(client, DEADLINE_MS), ACURAST_OK);
    acurast_client *sender = kit_connected(context, acurast_service_url(service), NULL, NULL);
    for (int i = 0; i < FLOOD; i++) {
        char payload[sizeof filler];
        memcpy(payload, filler, sizeof filler);
        snprintf(payload, sizeof text, "%d", i);
        assert_int_equal(acurast_client_send(sender, acurast_client_id(client), ACURAST_ID_SIZE, payload,
                                             sizeof payload, NULL, NULL),
                         ACURAST_OK);
    }
    KIT_EVENTUALLY(acurast_client_get_stats(sender, &stats) == ACURAST_OK && stats.payloads_out == FLOOD);
    KIT_EVENTUALLY(acurast_client_get_stats(client, &stats) == ACURAST_OK && stats.payloads_in >= 10);
    assert_true(stats.payloads_in < 12);
    uint64_t end = kit_now_ms() + DEADLINE_MS;
    while (next < FLOOD && kit_now_ms() < end) {
        size_t count = 0;
        views[0].size = sizeof views[0];
        assert_int_equal(acurast_queue_take(queue, views, ARRAY_SIZE(views), DEADLINE_MS, &count), ACURAST_OK);
        for (size_t i = 0; i < count; i++)
            if (views[i].type == ACURAST_EVENT_PAYLOAD)
                assert_int_equal(atoi((const char *)views[i].payload), next++);
        assert_int_equal(acurast_queue_done(queue), ACURAST_OK);
    }
    assert_int_equal(next, FLOOD);
    acurast_client_release(sender);
    acurast_client_release(client);
    acurast_queue_release(queue);
    kit_context_end(context);
    acurast_service_release(service);
}

static void test_14_outcomes_come_to_a_full_queue(void **state)
{
    acurast_queue *queue;
    (void)state;
    acurast_context *context = kit_context("1");
    acurast_service *service = kit_service(context, 0, NULL);
    assert_int_equal(acurast_queue_create(context, 1, 0, &queue), ACURAST_OK);
    acurast_client *client = kit_client(context, acurast_service_url(service), NULL, NULL, NULL);
    assert_int_equal(acurast_client_set_queue(client, queue, 0), ACURAST_OK);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    for (int i = 0; i < 100; i++)
        assert_int_equal(kit_send(client, acurast_client_id(client), "to myself", NULL), ACURAST_OK);
    acurast_client_stats stats = {.size = sizeof stats};
    KIT_EVENTUALLY(acurast_client_get_stats(client, &stats) == ACURAST_OK && stats.payloads_out == 100);
    take_until(queue, ACURAST_EVENT_OUTCOME, 100);
    acurast_client_close(client);
    KIT_EVENTUALLY(acurast_client_state(client) == ACURAST_STATE_CLOSED);
    acurast_client_release(client);
    acurast_queue_release(queue);
    kit_context_end(context);
    acurast_service_release(service);
}

static void test_15_no_delivery_no_events(void **state)
{
    acurast_client_stats stats = {.size = sizeof stats};
    (void)state;
    acurast_context *context = kit_context("1");
    acurast_service *service = kit_service(context, 0, NULL);
    acurast_client *client = kit_connected(context, acurast_service_url(service), NULL, NULL);
    assert_int_equal(kit_send(client, acurast_client_id(client), "to nobody who looks", NULL), ACURAST_OK);
    KIT_EVENTUALLY(acurast_client_get_stats(client, &stats) == ACURAST_OK && stats.payloads_in == 1);
    assert_int_equal(stats.outbox_count, 0);
    acurast_client_release(client);
    kit_context_end(context);
    acurast_service_release(service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_01_any_thread),
        KIT_TEST(test_02_no_call_waits),
        KIT_TEST(test_03_no_deadlock_in_callbacks),
        KIT_TEST(test_04_arguments_are_copied),
        KIT_TEST(test_05_threads_start_with_connect),
        KIT_TEST(test_06_no_event_before_connect),
        KIT_TEST(test_07_delivery_is_chosen_once),
        KIT_TEST(test_08_connect_once),
        KIT_TEST(test_09_one_thread_in_order),
        KIT_TEST(test_10_callbacks_may_call_everything),
        KIT_TEST(test_11_queue_keeps_threads_out),
        KIT_TEST(test_12_descriptor),
        KIT_TEST(test_13_full_queue_pauses_reading),
        KIT_TEST(test_14_outcomes_come_to_a_full_queue),
        KIT_TEST(test_15_no_delivery_no_events),
    };
    return cmocka_run_group_tests(tests, kit_warm_up, NULL);
}
