/* Requests and answers between clients of this library and others: what comes back, in every case. */
#include "support/client_kit.h"

static const kit_pattern any_request = {.type = ACURAST_EVENT_REQUEST};
static const kit_pattern any_payload = {.type = ACURAST_EVENT_PAYLOAD};
static const kit_pattern any_progress = {.type = ACURAST_EVENT_PROGRESS};

typedef struct world {
    acurast_context *context;
    acurast_service *service;
    acurast_client *asker, *server;
    kit_log log; /* of the asker */
    kit_log served;
} world;

enum {
    ECHO = 1,
    FAIL,
    SLOW, /* answered by the test */
    STEPS
};

/* What the server does, in its callback. */
static void on_request(kit_log *log, const acurast_event_view *event)
{
    acurast_client *client = log->client;
    if (event->type != ACURAST_EVENT_REQUEST)
        return;
    if (event->token == ECHO)
        acurast_client_answer(client, event->operation, event->payload_size ? event->payload : NULL,
                              event->payload_size);
    else if (event->token == FAIL)
        acurast_client_answer_error(client, event->operation, -5, "it \"failed\"", "{\"why\":1}", 9);
    else if (event->token == STEPS) {
        acurast_client_progress(client, event->operation, "1", 1);
        acurast_client_progress(client, event->operation, "2", 1);
        acurast_client_answer(client, event->operation, "3", 1);
    }
}

static void begin_with(world *w, const char *const *service, const char *const *asker, const char *const *server)
{
    kit_log_init(&w->log);
    kit_log_init(&w->served);
    w->served.hook = on_request;
    w->context = kit_context("2");
    w->service = kit_service(w->context, 0, service);
    w->asker = kit_connected(w->context, acurast_service_url(w->service), asker, &w->log);
    w->server = kit_client(w->context, acurast_service_url(w->service), NULL, server, &w->served);
    assert_int_equal(acurast_client_serve(w->server, "echo", ECHO), ACURAST_OK);
    assert_int_equal(acurast_client_serve(w->server, "fail", FAIL), ACURAST_OK);
    assert_int_equal(acurast_client_serve(w->server, "slow", SLOW), ACURAST_OK);
    assert_int_equal(acurast_client_serve(w->server, "steps", STEPS), ACURAST_OK);
    assert_int_equal(acurast_client_connect(w->server), ACURAST_OK);
    assert_int_equal(acurast_client_wait(w->server, DEADLINE_MS), ACURAST_OK);
}

static void begin(world *w)
{
    begin_with(w, NULL, NULL, NULL);
}

static void end(world *w)
{
    kit_client_end(w->asker, &w->log);
    kit_client_end(w->server, &w->served);
    kit_context_end(w->context);
    acurast_service_release(w->service);
    kit_log_clear(&w->log);
    kit_log_clear(&w->served);
}

static uint64_t ask(const world *w, const uint8_t *recipient, const char *method, const char *params,
                    uint32_t timeout_ms)
{
    uint64_t operation = 0;
    acurast_request_params settings = {.size = sizeof settings, .timeout_ms = timeout_ms, .token = 5};
    assert_int_equal(acurast_client_request(w->asker, recipient, ACURAST_ID_SIZE, method, params, strlen(params),
                                            &settings, &operation),
                     ACURAST_OK);
    assert_true(operation != 0);
    return operation;
}

static const kit_event *reply_to(world *w, uint64_t operation)
{
    kit_pattern pattern = {.type = ACURAST_EVENT_REPLY, .operation = operation};
    assert_true(kit_wait(&w->log, pattern, 1));
    assert_int_equal(kit_count(&w->log, pattern), 1);
    const kit_event *reply = kit_find(&w->log, pattern, 0);
    assert_true(reply->view.token == 5);
    return reply;
}

static void assert_reply(world *w, uint64_t operation, acurast_status status, const char *payload)
{
    const kit_event *reply = reply_to(w, operation);
    assert_int_equal(reply->view.status, status);
    if (payload)
        assert_string_equal(reply->payload, payload);
}

static void ask_all(world *w)
{
    const uint8_t *id = acurast_client_id(w->server);
    uint64_t echo = ask(w, id, "echo", "[1,{\"a\":\"b\"}]", 0), none = ask(w, id, "echo", "", 0);
    uint64_t fail = ask(w, id, "fail", "{}", 0), unknown = ask(w, id, "never", "", 0);
    uint64_t steps = ask(w, id, "steps", "", 0), late = ask(w, id, "slow", "", 200);
    assert_reply(w, echo, ACURAST_OK, "[1,{\"a\":\"b\"}]");
    assert_reply(w, none, ACURAST_OK, "null");
    assert_reply(w, fail, ACURAST_REMOTE_ERROR, NULL);
    assert_int_equal(reply_to(w, fail)->view.code, -5);
    assert_non_null(strstr((const char *)reply_to(w, fail)->payload, "\"data\":{\"why\":1}"));
    assert_reply(w, unknown, ACURAST_REMOTE_ERROR, NULL);
    assert_int_equal(reply_to(w, unknown)->view.code, -32601);
    assert_memory_equal(reply_to(w, echo)->sender, id, ACURAST_ID_SIZE);
    assert_reply(w, steps, ACURAST_OK, "3");
    assert_int_equal(kit_count(&w->log, any_progress), 2);
    assert_string_equal(kit_find(&w->log, any_progress, 0)->payload, "1");
    assert_true(kit_find(&w->log, any_progress, 1)->view.operation == steps);
    assert_reply(w, late, ACURAST_TIMEOUT, NULL);
    assert_int_equal(kit_count(&w->log, any_payload), 0);
    assert_int_equal(kit_count(&w->served, any_payload), 0);
}

static void test_every_answer(void **state)
{
    world w;
    (void)state;
    begin(&w);
    ask_all(&w);
    end(&w);
}

/* Through a service without the extension, to and from clients without it. */
static void test_without_the_extension(void **state)
{
    static const char *const off[] = {"extensions", "off", NULL};
    (void)state;
    for (unsigned i = 1; i < 8; i++) {
        world w;
        begin_with(&w, i & 1 ? off : NULL, i & 2 ? off : NULL, i & 4 ? off : NULL);
        ask_all(&w);
        end(&w);
    }
}

static void test_nobody_there(void **state)
{
    static const uint8_t nobody[ACURAST_ID_SIZE] = {1};
    world w;
    (void)state;
    begin(&w);
    assert_reply(&w, ask(&w, nobody, "echo", "", 0), ACURAST_NOT_HERE, NULL);
    assert_int_equal(kit_count(&w.log, any_progress), 0);
    end(&w);
}

static void test_gone_before_it_answered(void **state)
{
    world w;
    (void)state;
    begin(&w);
    uint64_t slow = ask(&w, acurast_client_id(w.server), "slow", "", 60000);
    assert_true(kit_wait(&w.served, any_request, 1));
    uint64_t request = kit_find(&w.served, any_request, 0)->view.operation;
    /* Whatever was answered before says that the request's receipt has come: it is told in the same order. */
    assert_reply(&w, ask(&w, acurast_client_id(w.server), "echo", "[]", 0), ACURAST_OK, "[]");
    assert_int_equal(acurast_client_close(w.server), ACURAST_OK);
    assert_reply(&w, slow, ACURAST_UNDETERMINED, NULL);
    assert_int_equal(acurast_client_answer(w.server, request, "1", 1), ACURAST_CLOSED);
    end(&w);
}

static void test_cancelled_and_closed(void **state)
{
    world w;
    (void)state;
    begin_with(&w, NULL, KIT_PAIRS("linger", "60s"), NULL); /* a client that closes waits for no answers */
    uint64_t slow = ask(&w, acurast_client_id(w.server), "slow", "", 60000);
    uint64_t slower = ask(&w, acurast_client_id(w.server), "slow", "", 60000);
    assert_true(kit_wait(&w.served, any_request, 2));
    assert_int_equal(acurast_client_cancel(w.asker, slow), ACURAST_OK);
    assert_reply(&w, slow, ACURAST_CANCELLED, NULL);
    uint64_t request = kit_find(&w.served, any_request, 0)->view.operation;
    assert_int_equal(acurast_client_answer(w.server, request, "1", 1), ACURAST_OK); /* too late for anybody */
    assert_reply(&w, ask(&w, acurast_client_id(w.server), "echo", "[]", 0), ACURAST_OK, "[]");
    assert_int_equal(kit_count(&w.log, any_payload), 0);
    acurast_client_stats stats = {.size = sizeof stats};
    assert_int_equal(acurast_client_get_stats(w.asker, &stats), ACURAST_OK);
    assert_int_equal(stats.stray_answers, 1);
    assert_int_equal(acurast_client_close(w.asker), ACURAST_OK);
    assert_reply(&w, slower, ACURAST_CLOSED, NULL);
    end(&w);
}

static void test_answers_by_mistake(void **state)
{
    world w;
    (void)state;
    begin(&w);
    uint64_t slow = ask(&w, acurast_client_id(w.server), "slow", "", 0);
    assert_true(kit_wait(&w.served, any_request, 1));
    uint64_t request = kit_find(&w.served, any_request, 0)->view.operation;
    assert_int_equal(acurast_client_answer(w.server, request + 1, "1", 1), ACURAST_NOT_FOUND);
    assert_int_equal(acurast_client_answer(w.server, request, "1,2", 3), ACURAST_INVALID);
    assert_int_equal(acurast_client_answer(w.server, request, "{", 1), ACURAST_INVALID);
    assert_int_equal(acurast_client_answer(w.server, request, NULL, 1), ACURAST_INVALID);
    assert_int_equal(acurast_client_answer(w.server, request, "\"ok\"", 4), ACURAST_OK);
    assert_int_equal(acurast_client_answer(w.server, request, "2", 1), ACURAST_NOT_FOUND);
    assert_int_equal(acurast_client_progress(w.server, request, "2", 1), ACURAST_NOT_FOUND);
    assert_int_equal(acurast_client_answer(w.asker, 1, "2", 1), ACURAST_NOT_FOUND);
    assert_reply(&w, slow, ACURAST_OK, "\"ok\"");
    end(&w);
}

static void test_requests_by_mistake(void **state)
{
    world w;
    const uint8_t id[ACURAST_ID_SIZE] = {1};
    char name[300];
    (void)state;
    begin(&w);
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = 0;
    static const char *const params[] = {"1", "\"a\"", "[", "[1]]", "{\"a\":}", "null"};
    for (size_t i = 0; i < ARRAY_SIZE(params); i++)
        assert_int_equal(
            acurast_client_request(w.asker, id, sizeof id, "echo", params[i], strlen(params[i]), NULL, NULL),
            ACURAST_INVALID);
    assert_int_equal(acurast_client_request(w.asker, id, sizeof id, name, NULL, 0, NULL, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_client_request(w.asker, id, sizeof id, "", NULL, 0, NULL, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_client_request(w.asker, id, 3, "echo", NULL, 0, NULL, NULL), ACURAST_BAD_RECIPIENT);
    assert_int_equal(acurast_client_serve(w.server, "rpc.x", 1), ACURAST_INVALID);
    assert_int_equal(acurast_client_serve(w.server, name, 1), ACURAST_INVALID);
    acurast_client_stats stats = {.size = sizeof stats};
    assert_int_equal(acurast_client_get_stats(w.asker, &stats), ACURAST_OK);
    assert_int_equal(stats.outbox_count, 0);
    end(&w);
}

/* So many at once as the options say; the rest waits, and beyond that, or a sender's half of it, the server is busy. */
static void test_bounds(void **state)
{
    enum {
        RUNNING = 3,
        WAITING = 2,
        BEYOND = 5
    };
    world w;
    uint64_t operations[RUNNING + WAITING + BEYOND];
    (void)state;
    begin_with(&w, NULL, NULL, KIT_PAIRS("serve-running", "3", "serve-waiting", "4"));
    for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
        operations[i] = ask(&w, acurast_client_id(w.server), "slow", "", 0);
    for (size_t i = RUNNING + WAITING; i < ARRAY_SIZE(operations); i++) {
        assert_reply(&w, operations[i], ACURAST_REMOTE_ERROR, NULL);
        assert_int_equal(reply_to(&w, operations[i])->view.code, -32001);
    }
    assert_true(kit_wait(&w.served, any_request, RUNNING));
    assert_int_equal(kit_count(&w.served, any_request), RUNNING);
    for (size_t i = 0; i < RUNNING + WAITING; i++) {
        assert_true(kit_wait(&w.served, any_request, i + 1));
        uint64_t request = kit_find(&w.served, any_request, i)->view.operation;
        assert_int_equal(acurast_client_answer(w.server, request, "1", 1), ACURAST_OK);
        assert_reply(&w, operations[i], ACURAST_OK, "1");
    }
    end(&w);
}

/* Whoever met a full outbox is told when there is room for a request again. */
static void test_room_for_the_next_request(void **state)
{
    static const kit_pattern writable = {.type = ACURAST_EVENT_WRITABLE};
    world w;
    (void)state;
    begin_with(&w, NULL, KIT_PAIRS("outbox-count", "2"), NULL);
    uint64_t slow[2] = {0};
    for (size_t i = 0; i < ARRAY_SIZE(slow); i++)
        slow[i] = ask(&w, acurast_client_id(w.server), "slow", "", 0);
    assert_int_equal(
        acurast_client_request(w.asker, acurast_client_id(w.server), ACURAST_ID_SIZE, "echo", NULL, 0, NULL, NULL),
        ACURAST_OUTBOX_FULL);
    for (size_t i = 0; i < ARRAY_SIZE(slow); i++) {
        assert_int_equal(acurast_client_cancel(w.asker, slow[i]), ACURAST_OK);
        assert_reply(&w, slow[i], ACURAST_CANCELLED, NULL);
    }
    assert_true(kit_wait(&w.log, writable, 1));
    assert_reply(&w, ask(&w, acurast_client_id(w.server), "echo", "[]", 0), ACURAST_OK, "[]");
    end(&w);
}

static void test_what_is_no_request_goes_on(void **state)
{
    static const char *const payloads[] = {"hello",
                                           "{\"a\":1}",
                                           "[1,2]",
                                           "",
                                           "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":1}",
                                           "{\"jsonrpc\":\"2.0\",\"method\":\"unknown\"}"};
    world w;
    (void)state;
    begin(&w);
    for (size_t i = 0; i < ARRAY_SIZE(payloads); i++) {
        assert_int_equal(kit_send(w.asker, acurast_client_id(w.server), payloads[i], NULL), ACURAST_OK);
        assert_true(kit_wait(&w.served, any_payload, i + 1));
        assert_string_equal(kit_find(&w.served, any_payload, i)->payload, payloads[i]);
    }
    end(&w);
}

static void test_messagepack(void **state)
{
    world w;
    uint64_t operation;
    (void)state;
    begin(&w);
    acurast_request_params settings = {.size = sizeof settings, .token = 5, .encoding = ACURAST_ENCODING_MSGPACK};
    assert_int_equal(acurast_client_request(w.asker, acurast_client_id(w.server), ACURAST_ID_SIZE, "echo",
                                            "\x92\x01\xa1z", 4, &settings, &operation),
                     ACURAST_OK);
    assert_reply(&w, operation, ACURAST_OK, "\x92\x01\xa1z");
    end(&w);
}

/* What it sends afterwards says that it has heard of it. */
static void pause_server(world *w)
{
    size_t before = kit_count(&w->log, any_payload);
    assert_int_equal(acurast_client_pause(w->server, 1), ACURAST_OK);
    assert_int_equal(kit_send(w->server, acurast_client_id(w->asker), "I pause", NULL), ACURAST_OK);
    assert_true(kit_wait(&w->log, any_payload, before + 1));
}

/* One that is asked while nothing else is open is written by the caller, who does not wake the loop. Nothing else wakes it here. */
static void test_the_time_of_one_alone(void **state)
{
    static const uint32_t times[] = {100, 400};
    world w;
    (void)state;
    begin_with(&w, KIT_PAIRS("ping-interval", "1h"), KIT_PAIRS("ping-interval", "1h"), NULL);
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        pause_server(&w);
        uint64_t begun = kit_now_ms(), slow = ask(&w, acurast_client_id(w.server), "slow", "", times[i]);
        assert_reply(&w, slow, ACURAST_TIMEOUT, NULL);
        assert_true(kit_now_ms() - begun >= times[i]);
        assert_int_equal(acurast_client_pause(w.server, 0), ACURAST_OK);
        assert_reply(&w, ask(&w, acurast_client_id(w.server), "echo", "[]", 0), ACURAST_OK, "[]");
    }
    end(&w);
}

enum {
    THREADS = 3,
    TURNS = 100
};

typedef struct asking_thread {
    world *w;
    int number;
    pthread_t thread;
} asking_thread;

/* Among plain sends, which are written by their callers as well. */
static void *ask_in_turn(void *argument)
{
    const asking_thread *own = argument;
    const uint8_t *id = acurast_client_id(own->w->server);
    const acurast_send_params now = {.size = sizeof now, .no_outcome = 1, .write_now = 1};
    for (int i = 0; i < TURNS; i++) {
        char params[32];
        (void)snprintf(params, sizeof params, "[%d,%d]", own->number, i);
        assert_int_equal(acurast_client_send(own->w->asker, id, ACURAST_ID_SIZE, "x", 1, &now, NULL), ACURAST_OK);
        assert_reply(own->w, ask(own->w, id, "echo", params, 0), ACURAST_OK, params);
    }
    return NULL;
}

static void test_threads_that_ask(void **state)
{
    world w;
    asking_thread threads[THREADS];
    (void)state;
    begin(&w);
    for (int i = 0; i < THREADS; i++) {
        threads[i] = (asking_thread){.w = &w, .number = i};
        assert_int_equal(pthread_create(&threads[i].thread, NULL, ask_in_turn, &threads[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i].thread, NULL), 0);
    assert_true(kit_wait(&w.served, any_payload, (size_t)THREADS * TURNS));
    assert_int_equal(kit_count(&w.served, any_request), THREADS * TURNS);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_every_answer),
        KIT_TEST(test_without_the_extension),
        KIT_TEST(test_nobody_there),
        KIT_TEST(test_gone_before_it_answered),
        KIT_TEST(test_cancelled_and_closed),
        KIT_TEST(test_answers_by_mistake),
        KIT_TEST(test_requests_by_mistake),
        KIT_TEST(test_bounds),
        KIT_TEST(test_room_for_the_next_request),
        KIT_TEST(test_what_is_no_request_goes_on),
        KIT_TEST(test_messagepack),
        KIT_TEST(test_the_time_of_one_alone),
        KIT_TEST(test_threads_that_ask),
    };
    return cmocka_run_group_tests(tests, kit_warm_up, NULL);
}
