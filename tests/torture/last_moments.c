/* Ends that meet something else: a handle given back in its own last event, a close that meets a stream of sends. */
#include "support/client_kit.h"

#include <stdatomic.h>

/* ---- the last handle goes in the last event ---- */

typedef struct self {
    acurast_client *client;
    acurast_service *service;
    int closed;
    int destroyed;
} self;

static void release_when_closed(void *user, const acurast_event_view *event)
{
    self *own = user;
    if (event->type != ACURAST_EVENT_STATE || event->state != ACURAST_STATE_CLOSED)
        return;
    own->closed++;
    acurast_client_release(own->client);
    acurast_service_release(own->service);
}

static void count_destroyed(void *user)
{
    ((self *)user)->destroyed++;
}

static void unstarted_client_released_in_closed(void **state)
{
    (void)state;
    self own = {0};
    acurast_context *context = kit_context("1");
    own.client = kit_client(context, "ws://127.0.0.1:9", NULL, NULL, NULL);
    assert_int_equal(acurast_client_set_callback(own.client, release_when_closed, &own, count_destroyed), ACURAST_OK);
    assert_int_equal(acurast_client_close(own.client), ACURAST_OK);
    assert_int_equal(own.closed, 1);
    assert_int_equal(own.destroyed, 1);
    kit_context_end(context);
}

static void unstarted_service_released_in_closed(void **state)
{
    (void)state;
    self own = {0};
    acurast_context *context = kit_context("1");
    assert_int_equal(acurast_service_create(context, NULL, &own.service), ACURAST_OK);
    assert_int_equal(acurast_service_set_callback(own.service, release_when_closed, &own, count_destroyed), ACURAST_OK);
    assert_int_equal(acurast_service_close(own.service), ACURAST_OK);
    assert_int_equal(own.closed, 1);
    assert_int_equal(own.destroyed, 1);
    kit_context_end(context);
}

static void running_ones_released_in_closed(void **state)
{
    (void)state;
    self client = {0}, service = {0};
    acurast_context *context = kit_context("2");
    acurast_options *options = kit_options(ACURAST_SCOPE_SERVICE, KIT_PAIRS("listen", "127.0.0.1:0"));
    assert_int_equal(acurast_service_create(context, options, &service.service), ACURAST_OK);
    acurast_options_release(options);
    assert_int_equal(acurast_service_set_callback(service.service, release_when_closed, &service, count_destroyed),
                     ACURAST_OK);
    assert_int_equal(acurast_service_start(service.service), ACURAST_OK);
    client.client = kit_client(context, acurast_service_url(service.service), NULL, NULL, NULL);
    assert_int_equal(acurast_client_set_callback(client.client, release_when_closed, &client, count_destroyed),
                     ACURAST_OK);
    assert_int_equal(acurast_client_connect(client.client), ACURAST_OK);
    assert_int_equal(acurast_client_wait(client.client, DEADLINE_MS), ACURAST_OK);
    kit_context_end(context);
    assert_int_equal(client.closed + client.destroyed, 2);
    assert_int_equal(service.closed + service.destroyed, 2);
}

/* ---- whoever hears that a service listens can use it ---- */

typedef struct listener {
    acurast_service *service;
    atomic_int heard;
    char url[64];
    uint16_t port;
    acurast_status reload;
} listener;

static void ask_when_listening(void *user, const acurast_event_view *event)
{
    listener *own = user;
    if (event->type != ACURAST_EVENT_STATE || event->state != ACURAST_STATE_LISTENING)
        return;
    snprintf(own->url, sizeof own->url, "%s", acurast_service_url(own->service));
    own->port = acurast_service_port(own->service);
    own->reload = acurast_service_reload(own->service);
    atomic_store(&own->heard, 1);
}

static void listening_service_knows_its_url(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        listener own = {0};
        acurast_context *context = kit_context("1");
        acurast_options *options = kit_options(ACURAST_SCOPE_SERVICE, KIT_PAIRS("listen", "127.0.0.1:0"));
        assert_int_equal(acurast_service_create(context, options, &own.service), ACURAST_OK);
        acurast_options_release(options);
        assert_int_equal(acurast_service_set_callback(own.service, ask_when_listening, &own, NULL), ACURAST_OK);
        assert_int_equal(acurast_service_start(own.service), ACURAST_OK);
        KIT_EVENTUALLY(atomic_load(&own.heard));
        assert_string_equal(own.url, acurast_service_url(own.service));
        assert_int_equal(own.port, acurast_service_port(own.service));
        assert_int_equal(own.reload, ACURAST_OK);
        acurast_service_release(own.service);
        kit_context_end(context);
    }
}

/* ---- figures may be asked for at any time ---- */

typedef struct reader {
    acurast_service *service;
    atomic_bool stop;
} reader;

static void *read_figures(void *argument)
{
    static char text[65536];
    reader *own = argument;
    while (!atomic_load(&own->stop)) {
        size_t size = sizeof text;
        acurast_service_metrics(own->service, text, &size);
    }
    return NULL;
}

/* What goes wrong here shows under ThreadSanitizer. */
static void figures_while_it_starts(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        reader own = {0};
        pthread_t thread;
        acurast_context *context = kit_context("2");
        acurast_options *options = kit_options(ACURAST_SCOPE_SERVICE, KIT_PAIRS("listen", "127.0.0.1:0"));
        assert_int_equal(acurast_service_create(context, options, &own.service), ACURAST_OK);
        acurast_options_release(options);
        assert_int_equal(pthread_create(&thread, NULL, read_figures, &own), 0);
        acurast_status started = acurast_service_start(own.service);
        atomic_store(&own.stop, true);
        pthread_join(thread, NULL);
        assert_int_equal(started, ACURAST_OK);
        acurast_service_release(own.service);
        kit_context_end(context);
    }
}

/* ---- a service's reason is heard through a stream of sends ---- */

typedef struct stream {
    acurast_client *client;
    atomic_bool stop;
} stream;

static void *send_on(void *argument)
{
    stream *own = argument;
    static const uint8_t nobody[ACURAST_ID_SIZE] = {1};
    while (!atomic_load(&own->stop))
        acurast_client_send(own->client, nobody, sizeof nobody, "payload", 7, NULL, NULL);
    return NULL;
}

static void replaced_while_sending(void **state)
{
    (void)state;
    acurast_context *context = kit_context("1");
    acurast_service *service = kit_service(context, 0, NULL);
    for (int i = 0; i < 20; i++) {
        kit_log log;
        kit_log_init(&log);
        acurast_identity *identity;
        assert_int_equal(acurast_identity_generate(ACURAST_KEY_P256, &identity), ACURAST_OK);
        stream own = {.client = kit_client(context, acurast_service_url(service), identity, NULL, &log)};
        assert_int_equal(acurast_client_connect(own.client), ACURAST_OK);
        assert_int_equal(acurast_client_wait(own.client, DEADLINE_MS), ACURAST_OK);
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, send_on, &own), 0);
        acurast_client *newer = kit_client(context, acurast_service_url(service), identity, NULL, NULL);
        assert_int_equal(acurast_client_connect(newer), ACURAST_OK);
        bool ended = kit_wait(&log,
                              (kit_pattern){.type = ACURAST_EVENT_STATE,
                                            .state = ACURAST_STATE_CLOSED,
                                            .with_status = true,
                                            .status = ACURAST_REPLACED},
                              1);
        atomic_store(&own.stop, true);
        pthread_join(thread, NULL);
        assert_true(ended);
        assert_true(kit_wait_destroyed(&log));
        acurast_client_release(own.client);
        acurast_client_release(newer);
        acurast_identity_release(identity);
        kit_log_clear(&log);
    }
    kit_service_end(service);
    kit_context_end(context);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(unstarted_client_released_in_closed),
        KIT_TEST(unstarted_service_released_in_closed),
        KIT_TEST(running_ones_released_in_closed),
        KIT_TEST(listening_service_knows_its_url),
        KIT_TEST(figures_while_it_starts),
        KIT_TEST(replaced_while_sending),
    };
    kit_child_main(argc, argv);
    return cmocka_run_group_tests(tests, kit_warm_up, NULL);
}
