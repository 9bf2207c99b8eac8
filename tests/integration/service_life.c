/* The life of a service inside a program: its states, starts that fail and are tried again, ends in any order. */
#include "support/client_kit.h"

#include <fcntl.h>
#include <sys/stat.h>

static acurast_service *service_new(acurast_context *context, const char *const *pairs, kit_log *log)
{
    acurast_service *service = NULL;
    acurast_options *options = kit_options(ACURAST_SCOPE_SERVICE, pairs);
    assert_int_equal(acurast_service_create(context, options, &service), ACURAST_OK);
    acurast_options_release(options);
    if (log) {
        kit_log_init(log);
        assert_int_equal(acurast_service_set_callback(service, kit_on_event, log, kit_on_destroy), ACURAST_OK);
    }
    return service;
}

static void assert_states(const kit_log *log, const acurast_state *states, size_t count)
{
    size_t at = 0;
    for (size_t i = 0; i < log->count; i++) {
        if (log->events[i]->view.type != ACURAST_EVENT_STATE)
            continue;
        acurast_state expected = at < count ? states[at] : ACURAST_STATE_IDLE;
        assert_int_equal(log->events[i]->view.state, expected);
        at++;
    }
    assert_int_equal(at, count);
    assert_int_equal(log->destroyed, 1);
}

static void its_states_come_in_order_and_once(void **state)
{
    (void)state;
    static const acurast_state states[] = {ACURAST_STATE_LISTENING, ACURAST_STATE_DRAINING, ACURAST_STATE_CLOSED};
    kit_log log;
    char urls[128];
    acurast_context *context = kit_context("3");
    acurast_service *service = service_new(context, KIT_PAIRS("listen", "127.0.0.1:0,localhost:0"), &log);
    assert_string_equal(acurast_service_url(service), "");
    assert_int_equal(acurast_service_port(service), 0);
    assert_int_equal(acurast_service_start(service), ACURAST_OK);
    assert_int_equal(acurast_service_start(service), ACURAST_BAD_STATE);
    assert_int_not_equal(acurast_service_port(service), 0);
    assert_true(kit_wait_state(&log, ACURAST_STATE_LISTENING, 1));
    snprintf(urls, sizeof urls, "%s ws://localhost:", acurast_service_url(service));
    assert_memory_equal(log.events[0]->text, urls, strlen(urls));
    for (int i = 0; i < 3; i++)
        assert_int_equal(acurast_service_close(service), ACURAST_OK);
    assert_int_equal(acurast_service_wait(service, DEADLINE_MS), ACURAST_OK);
    assert_int_equal(acurast_service_close(service), ACURAST_OK);
    assert_int_equal(acurast_service_start(service), ACURAST_CLOSED);
    acurast_service_release(service);
    kit_context_end(context);
    assert_states(&log, states, ARRAY_SIZE(states));
    kit_log_clear(&log);
}

static void one_that_never_started_ends_with_closed_alone(void **state)
{
    (void)state;
    static const acurast_state states[] = {ACURAST_STATE_CLOSED};
    for (int with_close = 0; with_close < 2; with_close++) {
        kit_log log;
        acurast_context *context = kit_context("1");
        acurast_service *service = service_new(context, NULL, &log);
        assert_int_equal(acurast_service_wait(service, 0), ACURAST_BAD_STATE);
        if (with_close) {
            assert_int_equal(acurast_service_close(service), ACURAST_OK);
            assert_int_equal(acurast_service_wait(service, 0), ACURAST_OK);
        }
        acurast_service_release(service);
        kit_context_end(context);
        assert_states(&log, states, ARRAY_SIZE(states));
        kit_log_clear(&log);
    }
}

static void a_start_that_failed_can_be_tried_again(void **state)
{
    (void)state;
    kit_log log;
    char listen[64];
    acurast_context *context = kit_context("2");
    acurast_service *first = kit_service(context, 0, NULL);
    snprintf(listen, sizeof listen, "127.0.0.1:0,127.0.0.1:%u", acurast_service_port(first));
    acurast_service *second = service_new(context, KIT_PAIRS("listen", listen), &log);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(acurast_service_start(second), ACURAST_ADDRESS_IN_USE);
        assert_non_null(strstr(acurast_service_error(second), strrchr(listen, ':')));
        assert_string_equal(acurast_service_url(second), "");
    }
    kit_service_end(first);
    assert_int_equal(acurast_service_start(second), ACURAST_OK);
    acurast_client *client = kit_connected(context, acurast_service_url(second), NULL, NULL);
    acurast_client_release(client);
    kit_service_end(second);
    kit_context_end(context);
    kit_log_clear(&log);
}

static void bad_starts_say_why(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *value;
        acurast_status status;
        const char *told;
    } cases[] = {
        {"listen", "192.0.2.77:0", ACURAST_INVALID, "192.0.2.77"},
        {"tls-cert", "/no/such/file", ACURAST_TLS, "tls-cert"},
    };
    acurast_context *context = kit_context("2");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        acurast_service *service =
            service_new(context,
                        KIT_PAIRS("listen", "127.0.0.1:0", cases[i].name, cases[i].value,
                                  i == 1 ? "tls-key" : "max-pending", i == 1 ? "/no/such/file" : "9"),
                        NULL);
        assert_int_equal(acurast_service_start(service), cases[i].status);
        assert_non_null(strstr(acurast_service_error(service), cases[i].told));
        acurast_service_release(service);
    }
    kit_context_end(context);
}

static void bad_options_are_refused_at_create(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"listen", "nowhere"}, {"difficulty", "00"}, {"trust-proxy", "x"},     {"tls-cert", "/some/file"},
        {"allow", "zz"},       {"name", "no-port"},  {"admin-listen", "9001"}, {"deny-file", "/no/such/file"}};
    acurast_context *context = kit_context("1");
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        acurast_service *service = NULL;
        acurast_options *options = kit_options(ACURAST_SCOPE_SERVICE, KIT_PAIRS(pairs[i][0], pairs[i][1]));
        assert_int_equal(acurast_service_create(context, options, &service), ACURAST_BAD_OPTION);
        assert_null(service);
        assert_non_null(strstr(acurast_options_error(options), pairs[i][0]));
        acurast_options_release(options);
    }
    kit_context_end(context);
}

static void closing_the_context_closes_it(void **state)
{
    (void)state;
    static const acurast_state states[] = {ACURAST_STATE_LISTENING, ACURAST_STATE_DRAINING, ACURAST_STATE_CLOSED};
    kit_log log;
    acurast_context *context = kit_context("2");
    acurast_service *service = service_new(context, KIT_PAIRS("listen", "127.0.0.1:0"), &log);
    assert_int_equal(acurast_service_start(service), ACURAST_OK);
    kit_context_end(context);
    assert_int_equal(acurast_service_wait(service, 0), ACURAST_OK);
    assert_int_equal(acurast_service_start(service), ACURAST_CLOSED);
    acurast_service_release(service);
    assert_states(&log, states, ARRAY_SIZE(states));
    kit_log_clear(&log);
}

static void released_with_clients_on_it_it_drains(void **state)
{
    (void)state;
    kit_log log, events;
    acurast_context *services = kit_context("2"), *clients = kit_context("1");
    acurast_service *service = service_new(services, KIT_PAIRS("listen", "127.0.0.1:0"), &events);
    assert_int_equal(acurast_service_start(service), ACURAST_OK);
    kit_log_init(&log);
    acurast_client *client = kit_connected(clients, acurast_service_url(service), NULL, &log);
    acurast_service_release(service);
    assert_true(kit_wait_state(&log, ACURAST_STATE_DISCONNECTED, 1));
    const kit_event *gone =
        kit_find(&log, (kit_pattern){.type = ACURAST_EVENT_STATE, .state = ACURAST_STATE_DISCONNECTED}, 0);
    assert_int_equal(gone->view.status, ACURAST_DRAINING);
    assert_int_equal(gone->view.close_code, 1001);
    assert_true(kit_wait_destroyed(&events));
    kit_client_end(client, &log);
    kit_context_end(clients);
    kit_context_end(services);
    kit_log_clear(&log);
    kit_log_clear(&events);
}

static acurast_status in_callback[3];

static void call_in_callback(kit_log *log, const acurast_event_view *event)
{
    acurast_service *service = log->data;
    if (event->state != ACURAST_STATE_LISTENING)
        return;
    in_callback[0] = acurast_service_wait(service, -1);
    in_callback[1] = acurast_service_start(service);
    in_callback[2] = acurast_service_close(service);
}

static void in_a_callback_close_works_and_waiting_is_refused(void **state)
{
    (void)state;
    kit_log log;
    acurast_context *context = kit_context("1");
    acurast_service *service = service_new(context, KIT_PAIRS("listen", "127.0.0.1:0"), &log);
    log.hook = call_in_callback;
    log.data = service;
    assert_int_equal(acurast_service_start(service), ACURAST_OK);
    assert_int_equal(acurast_service_wait(service, DEADLINE_MS), ACURAST_OK);
    assert_int_equal(in_callback[0], ACURAST_WOULD_DEADLOCK);
    assert_int_equal(in_callback[1], ACURAST_WOULD_DEADLOCK);
    assert_int_equal(in_callback[2], ACURAST_OK);
    acurast_service_release(service);
    kit_context_end(context);
    kit_log_clear(&log);
}

static void *close_it(void *service)
{
    acurast_service_close(service);
    return NULL;
}

static void a_close_that_meets_the_start_wins(void **state)
{
    (void)state;
    acurast_context *context = kit_context("2");
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        acurast_service *service = service_new(context, KIT_PAIRS("listen", "127.0.0.1:0"), NULL);
        assert_int_equal(pthread_create(&thread, NULL, close_it, service), 0);
        acurast_status status = acurast_service_start(service);
        assert_true(status == ACURAST_OK || status == ACURAST_CLOSED);
        pthread_join(thread, NULL);
        assert_int_equal(acurast_service_wait(service, DEADLINE_MS), ACURAST_OK);
        acurast_service_release(service);
    }
    kit_context_end(context);
}

static void its_events_come_by_queue_as_well(void **state)
{
    (void)state;
    acurast_queue *queue;
    acurast_event_view views[8];
    size_t count = 0;
    acurast_state last = ACURAST_STATE_IDLE;
    acurast_context *context = kit_context("1");
    acurast_service *service = service_new(context, KIT_PAIRS("listen", "127.0.0.1:0"), NULL);
    assert_int_equal(acurast_queue_create(context, 0, 0, &queue), ACURAST_OK);
    assert_int_equal(acurast_service_set_queue(service, queue, 42), ACURAST_OK);
    assert_int_equal(acurast_service_set_queue(service, queue, 42), ACURAST_BAD_STATE);
    assert_int_equal(acurast_service_start(service), ACURAST_OK);
    acurast_service_release(service); /* what is on its way still comes */
    while (last != ACURAST_STATE_CLOSED) {
        views[0].size = sizeof views[0];
        assert_int_equal(acurast_queue_take(queue, views, ARRAY_SIZE(views), DEADLINE_MS, &count), ACURAST_OK);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(views[i].source, 42);
            last = views[i].type == ACURAST_EVENT_STATE ? views[i].state : last;
        }
        assert_int_equal(acurast_queue_done(queue), ACURAST_OK);
    }
    acurast_queue_release(queue);
    kit_context_end(context);
}

static void the_figures_are_had_without_http(void **state)
{
    (void)state;
    acurast_context *context = kit_context("2");
    acurast_service *service = kit_service(context, 0, NULL);
    size_t size = 0;
    assert_int_equal(acurast_service_metrics(service, NULL, &size), ACURAST_OK);
    assert_true(size > 1000);
    char *text = malloc(size + 100);
    size_t small = 10, room = size + 100;
    assert_int_equal(acurast_service_metrics(service, text, &small), ACURAST_TOO_SMALL);
    assert_true(small > 1000);
    assert_int_equal(acurast_service_metrics(service, text, &room), ACURAST_OK);
    assert_int_equal(strlen(text) + 1, room);
    assert_non_null(strstr(text, "\nacurast_ready 1\n"));
    free(text);
    kit_service_end(service);
    kit_context_end(context);
}

static void a_reload_sends_the_denied_away(void **state)
{
    (void)state;
    kit_log log;
    char path[] = "/tmp/acurast-deny-XXXXXX";
    int file = mkstemp(path);
    acurast_context *context = kit_context("2");
    assert_true(file >= 0);
    acurast_service *service = service_new(context, KIT_PAIRS("listen", "127.0.0.1:0", "deny-file", path), NULL);
    assert_int_equal(acurast_service_reload(service), ACURAST_BAD_STATE);
    assert_int_equal(acurast_service_start(service), ACURAST_OK);
    kit_log_init(&log);
    acurast_client *denied = kit_connected(context, acurast_service_url(service), NULL, &log);
    acurast_client *other = kit_connected(context, acurast_service_url(service), NULL, NULL);
    for (size_t i = 0; i < ACURAST_ID_SIZE; i++)
        dprintf(file, "%02x", acurast_client_id(denied)[i]);
    dprintf(file, "\n");
    assert_int_equal(acurast_service_reload(service), ACURAST_OK);
    assert_true(kit_wait_state(&log, ACURAST_STATE_CLOSED, 1));
    assert_int_equal(
        kit_find(&log, (kit_pattern){.type = ACURAST_EVENT_STATE, .state = ACURAST_STATE_CLOSED}, 0)->view.status,
        ACURAST_DENIED);
    assert_int_equal(acurast_client_state(other), ACURAST_STATE_CONNECTED);
    dprintf(file, "nonsense\n");
    assert_int_equal(acurast_service_reload(service), ACURAST_BAD_OPTION);
    assert_non_null(strstr(acurast_service_error(service), "line 2"));
    kit_client_end(denied, &log);
    acurast_client_release(other);
    kit_service_end(service);
    kit_context_end(context);
    kit_log_clear(&log);
    close(file);
    unlink(path);
}

static void *reload_service(void *service)
{
    return (void *)(intptr_t)acurast_service_reload(service);
}

/* The reload waits for a pipe; the service ends, and its handle is given back, before the pipe does. */
static void it_ends_while_a_reload_hangs(void **state)
{
    (void)state;
    char folder[] = "/tmp/acurast-reload-XXXXXX", path[64];
    pthread_t thread;
    void *result;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/deny", folder);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    acurast_context *context = kit_context("2");
    acurast_service *service = service_new(context, KIT_PAIRS("listen", "127.0.0.1:0", "deny-file", path), NULL);
    assert_int_equal(acurast_service_start(service), ACURAST_OK);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(pthread_create(&thread, NULL, reload_service, service), 0);
    int writing = open(path, O_WRONLY | O_CLOEXEC); /* waits for the reader */
    assert_true(writing >= 0);
    acurast_client *client = kit_connected(context, acurast_service_url(service), NULL, NULL);
    assert_int_equal(acurast_service_close(service), ACURAST_OK);
    assert_int_equal(acurast_service_wait(service, DEADLINE_MS), ACURAST_OK);
    acurast_service_release(service);
    acurast_client_release(client);
    close(writing);
    pthread_join(thread, &result);
    assert_int_equal((intptr_t)result, ACURAST_BAD_STATE);
    kit_context_end(context);
    unlink(path);
    rmdir(folder);
}

/* TLS on a listener makes what the process keeps for it. */
static int warm_up(void **state)
{
    acurast_context *context = kit_context("1");
    acurast_service *service = service_new(
        context, KIT_PAIRS("listen", "127.0.0.1:0", "tls-cert", "/no/such/file", "tls-key", "/no/such/file"), NULL);
    assert_int_equal(acurast_service_start(service), ACURAST_TLS);
    acurast_service_release(service);
    kit_context_end(context);
    return kit_warm_up(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(its_states_come_in_order_and_once),      KIT_TEST(one_that_never_started_ends_with_closed_alone),
        KIT_TEST(a_start_that_failed_can_be_tried_again), KIT_TEST(bad_starts_say_why),
        KIT_TEST(bad_options_are_refused_at_create),      KIT_TEST(closing_the_context_closes_it),
        KIT_TEST(released_with_clients_on_it_it_drains),  KIT_TEST(in_a_callback_close_works_and_waiting_is_refused),
        KIT_TEST(a_close_that_meets_the_start_wins),      KIT_TEST(its_events_come_by_queue_as_well),
        KIT_TEST(the_figures_are_had_without_http),       KIT_TEST(a_reload_sends_the_denied_away),
        KIT_TEST(it_ends_while_a_reload_hangs),
    };
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
