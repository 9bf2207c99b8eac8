/* Sentences 48 to 54 of core/docs/threading.md: requests and serving. The number of a test is that of its sentence. */
#include "support/client_kit.h"

static const kit_pattern any_request = {.type = ACURAST_EVENT_REQUEST};
static const kit_pattern any_payload = {.type = ACURAST_EVENT_PAYLOAD};

typedef struct world {
    acurast_context *context;
    acurast_service *service;
    acurast_client *asker, *server;
    kit_log log; /* of the asker */
    kit_log served;
} world;

static void answer_in_steps(kit_log *log, const acurast_event_view *event)
{
    if (event->type != ACURAST_EVENT_REQUEST)
        return;
    for (int i = 0; i < 3; i++)
        acurast_client_progress(log->client, event->operation, "1", 1);
    acurast_client_answer(log->client, event->operation, "2", 1);
}

/* Each of two lives on a thread of its own. */
static void begin(world *w, const char *const *server, kit_hook hook, bool serves)
{
    kit_log_init(&w->log);
    kit_log_init(&w->served);
    w->served.hook = hook;
    w->log.hook = answer_in_steps; /* where it is asked itself */
    w->context = kit_context("2");
    w->service = kit_service(w->context, 0, NULL);
    w->asker =
        kit_connected(w->context, acurast_service_url(w->service), KIT_PAIRS(KIT_EAGER, "linger", "60s"), &w->log);
    w->server = kit_client(w->context, acurast_service_url(w->service), NULL, server, &w->served);
    if (serves)
        assert_int_equal(acurast_client_serve(w->server, "do", 0), ACURAST_OK);
    assert_int_equal(acurast_client_connect(w->server), ACURAST_OK);
    assert_int_equal(acurast_client_wait(w->server, DEADLINE_MS), ACURAST_OK);
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

static uint64_t ask(const world *w)
{
    uint64_t operation = 0;
    acurast_request_params settings = {.size = sizeof settings, .timeout_ms = 60000};
    assert_int_equal(acurast_client_request(w->asker, acurast_client_id(w->server), ACURAST_ID_SIZE, "do", "[1]", 3,
                                            &settings, &operation),
                     ACURAST_OK);
    return operation;
}

static void assert_reply(world *w, uint64_t operation, acurast_status status)
{
    kit_pattern pattern = {.type = ACURAST_EVENT_REPLY, .operation = operation};
    assert_true(kit_wait(&w->log, pattern, 1));
    assert_int_equal(kit_find(&w->log, pattern, 0)->view.status, status);
}

static uint64_t nth_request(world *w, size_t n)
{
    assert_true(kit_wait(&w->served, any_request, n + 1));
    return kit_find(&w->served, any_request, n)->view.operation;
}

/* Whatever the asker was sent before has come. */
static void barrier(world *w)
{
    size_t before = kit_count(&w->log, any_payload);
    assert_int_equal(kit_send(w->server, acurast_client_id(w->asker), "barrier", NULL), ACURAST_OK);
    assert_true(kit_wait(&w->log, any_payload, before + 1));
}

static bool is_of(const kit_event *event, acurast_event_type type, uint64_t operation)
{
    return event->view.type == type && event->view.operation == operation;
}

static void assert_order(world *w, acurast_event_type end, uint64_t operation)
{
    kit_pattern pattern = {.type = end, .operation = operation};
    size_t steps = 0, ends = 0;
    assert_true(kit_wait(&w->log, pattern, 1));
    barrier(w);
    for (size_t i = 0; i < w->log.count; i++) {
        if (is_of(w->log.events[i], ACURAST_EVENT_PROGRESS, operation)) {
            assert_int_equal(ends, 0);
            steps++;
        }
        ends += is_of(w->log.events[i], end, operation);
    }
    assert_int_equal(steps, 3);
    assert_int_equal(ends, 1);
}

static void test_48_one_end_after_its_progress(void **state)
{
    world w;
    (void)state;
    begin(&w, NULL, answer_in_steps, true);
    assert_order(&w, ACURAST_EVENT_REPLY, ask(&w));
    uint64_t many = 0;
    assert_int_equal(acurast_client_request_many(w.asker, acurast_client_id(w.server), 1, "do", NULL, 0, NULL, &many),
                     ACURAST_OK);
    assert_order(&w, ACURAST_EVENT_ANSWERS, many);
    end(&w);
}

static void send_answer(acurast_client *client, const world *w, const char *question, const char *result)
{
    char text[256], id[64] = "";
    const char *at = strstr(question, "\"id\":\"");
    assert_non_null(at);
    sscanf(at + 6, "%63[0-9a-f]", id); // NOLINT(cert-err34-c)
    snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"result\":%s}", id, result);
    assert_int_equal(kit_send(client, acurast_client_id(w->asker), text, NULL), ACURAST_OK);
}

/* The server knows nothing of requests, and gets them as payloads: so the test sees their ids. */
static void test_49_only_whom_was_asked_answers(void **state)
{
    world w;
    (void)state;
    begin(&w, NULL, NULL, false);
    acurast_client *other = kit_connected(w.context, acurast_service_url(w.service), NULL, NULL);
    uint64_t operation = ask(&w);
    assert_true(kit_wait(&w.served, any_payload, 1));
    const char *question = (const char *)kit_find(&w.served, any_payload, 0)->payload;
    send_answer(other, &w, question, "1");
    acurast_client_stats stats = {.size = sizeof stats};
    do
        assert_int_equal(acurast_client_get_stats(w.asker, &stats), ACURAST_OK);
    while (!stats.stray_answers && (kit_pause(), true));
    assert_int_equal(kit_count(&w.log, (kit_pattern){.type = ACURAST_EVENT_REPLY}), 0);
    send_answer(w.server, &w, question, "2");
    assert_reply(&w, operation, ACURAST_OK);
    assert_string_equal(kit_find(&w.log, (kit_pattern){.type = ACURAST_EVENT_REPLY}, 0)->payload, "2");
    acurast_client_release(other);
    end(&w);
}

/* Serves one more, asks back, and answers, all within the event. */
static void do_all(kit_log *log, const acurast_event_view *event)
{
    if (event->type != ACURAST_EVENT_REQUEST)
        return;
    bool good =
        acurast_client_serve(log->client, "more", 1) == ACURAST_OK &&
        acurast_client_progress(log->client, event->operation, "1", 1) == ACURAST_OK &&
        acurast_client_request(log->client, event->sender, ACURAST_ID_SIZE, "back", NULL, 0, NULL, NULL) == ACURAST_OK;
    acurast_client_answer(log->client, event->operation, good ? "true" : "false", good ? 4 : 5);
}

static void test_50_all_of_it_within_callbacks(void **state)
{
    world w;
    (void)state;
    begin(&w, NULL, do_all, true);
    assert_int_equal(acurast_client_serve(w.asker, "back", 0), ACURAST_OK);
    assert_reply(&w, ask(&w), ACURAST_OK);
    assert_string_equal(kit_find(&w.log, (kit_pattern){.type = ACURAST_EVENT_REPLY}, 0)->payload, "true");
    assert_true(kit_wait(&w.served, (kit_pattern){.type = ACURAST_EVENT_REPLY, .with_status = true}, 1));
    end(&w);
}

static void test_51_answered_on_any_thread_and_once(void **state)
{
    world w;
    (void)state;
    begin(&w, NULL, NULL, true);
    uint64_t first = ask(&w), second = ask(&w);
    uint64_t late = nth_request(&w, 0), early = nth_request(&w, 1);
    assert_int_equal(acurast_client_answer(w.server, early, "1", 1), ACURAST_OK); /* not in the order of the requests */
    assert_reply(&w, second, ACURAST_OK);
    assert_int_equal(acurast_client_answer(w.server, late, "1", 1), ACURAST_OK);
    assert_reply(&w, first, ACURAST_OK);
    assert_int_equal(acurast_client_answer(w.server, late, "1", 1), ACURAST_NOT_FOUND);
    assert_int_equal(acurast_client_answer_error(w.server, early, 1, "", NULL, 0), ACURAST_NOT_FOUND);
    end(&w);
}

static void test_52_so_many_run(void **state)
{
    enum {
        RUNNING = 3,
        ASKED = 10
    };
    world w;
    uint64_t operations[ASKED];
    (void)state;
    begin(&w, KIT_PAIRS("serve-running", "3", "serve-waiting", "100"), NULL, true);
    for (size_t i = 0; i < ASKED; i++)
        operations[i] = ask(&w);
    for (size_t i = 0; i < ASKED; i++) {
        uint64_t request = nth_request(&w, i);
        assert_true(kit_count(&w.served, any_request) <= i + RUNNING);
        assert_int_equal(acurast_client_answer(w.server, request, "1", 1), ACURAST_OK);
        assert_reply(&w, operations[i], ACURAST_OK);
    }
    end(&w);
}

static void test_53_cancel_and_close_wait_for_no_answer(void **state)
{
    world w;
    (void)state;
    begin(&w, NULL, NULL, true);
    uint64_t cancelled = ask(&w), closed = ask(&w);
    (void)nth_request(&w, 1);
    assert_int_equal(acurast_client_cancel(w.asker, cancelled), ACURAST_OK);
    assert_reply(&w, cancelled, ACURAST_CANCELLED);
    assert_int_equal(acurast_client_close(w.asker), ACURAST_OK); /* `linger` is a minute */
    assert_reply(&w, closed, ACURAST_CLOSED);
    end(&w);
}

static void test_54_other_payloads_come_as_ever(void **state)
{
    static const char *const texts[] = {"plain", "{\"jsonrpc\":\"2.0\",\"id\":\"00\",\"result\":1}", "{}", ""};
    world w;
    (void)state;
    begin(&w, NULL, NULL, true);
    uint64_t open = ask(&w); /* so both look at what comes */
    (void)nth_request(&w, 0);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        assert_int_equal(kit_send(w.server, acurast_client_id(w.asker), texts[i], NULL), ACURAST_OK);
        assert_int_equal(kit_send(w.asker, acurast_client_id(w.server), texts[i], NULL), ACURAST_OK);
        assert_true(kit_wait(&w.log, any_payload, i + 1));
        assert_true(kit_wait(&w.served, any_payload, i + 1));
        assert_string_equal(kit_find(&w.log, any_payload, i)->payload, texts[i]);
        assert_string_equal(kit_find(&w.served, any_payload, i)->payload, texts[i]);
    }
    assert_int_equal(acurast_client_cancel(w.asker, open), ACURAST_OK);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_48_one_end_after_its_progress),
        KIT_TEST(test_49_only_whom_was_asked_answers),
        KIT_TEST(test_50_all_of_it_within_callbacks),
        KIT_TEST(test_51_answered_on_any_thread_and_once),
        KIT_TEST(test_52_so_many_run),
        KIT_TEST(test_53_cancel_and_close_wait_for_no_answer),
        KIT_TEST(test_54_other_payloads_come_as_ever),
    };
    return cmocka_run_group_tests(tests, kit_warm_up, NULL);
}
