/* One request to many: when it ends, what it ends with, and what each is said to have answered. */
#include "support/client_kit.h"

enum {
    SERVERS = 5
};

static const kit_pattern any_request = {.type = ACURAST_EVENT_REQUEST};

typedef struct world {
    acurast_context *context;
    acurast_service *service;
    acurast_queue *queue;
    acurast_client *asker;
    acurast_client *servers[SERVERS];
    kit_log logs[SERVERS];
    uint8_t ids[SERVERS + 1][ACURAST_ID_SIZE]; /* of the servers, and of nobody */
    char told[4096];                           /* what the end says */
    char progress[256];                        /* and what was told before */
} world;

/* Each server has one thing to say: '!' is an error, '?' nothing. */
static void on_request(kit_log *log, const acurast_event_view *event)
{
    const char *says = log->data;
    if (event->type != ACURAST_EVENT_REQUEST || *says == '?')
        return;
    if (*says == '!')
        acurast_client_answer_error(log->client, event->operation, -7, "no", NULL, 0);
    else if (event->encoding == ACURAST_ENCODING_MSGPACK)
        acurast_client_answer(log->client, event->operation, "\x01", 1);
    else {
        acurast_client_progress(log->client, event->operation, "1", 1);
        acurast_client_answer(log->client, event->operation, says, strlen(says));
    }
}

static void begin_with(world *w, const char *const *service, const char *const *asker, const char *const *says)
{
    memset(w, 0, sizeof *w);
    w->context = kit_context("2");
    w->service = kit_service(w->context, 0, service);
    const char *url = acurast_service_url(w->service);
    for (size_t i = 0; i < SERVERS; i++) {
        kit_log_init(&w->logs[i]);
        w->logs[i].hook = on_request;
        w->logs[i].data = (void *)(uintptr_t)says[i];
        w->servers[i] = kit_client(w->context, url, NULL, NULL, &w->logs[i]);
        assert_int_equal(acurast_client_serve(w->servers[i], "vote", 0), ACURAST_OK);
        assert_int_equal(acurast_client_connect(w->servers[i]), ACURAST_OK);
        memcpy(w->ids[i], acurast_client_id(w->servers[i]), ACURAST_ID_SIZE);
    }
    w->ids[SERVERS][0] = 1;
    for (size_t i = 0; i < SERVERS; i++)
        assert_int_equal(acurast_client_wait(w->servers[i], DEADLINE_MS), ACURAST_OK);
    w->asker = kit_client(w->context, url, NULL, asker, NULL);
    assert_int_equal(acurast_queue_create(w->context, 0, 0, &w->queue), ACURAST_OK);
    assert_int_equal(acurast_client_set_queue(w->asker, w->queue, 1), ACURAST_OK);
    assert_int_equal(acurast_client_connect(w->asker), ACURAST_OK);
    assert_int_equal(acurast_client_wait(w->asker, DEADLINE_MS), ACURAST_OK);
}

static void end(world *w)
{
    acurast_client_release(w->asker);
    for (size_t i = 0; i < SERVERS; i++)
        kit_client_end(w->servers[i], &w->logs[i]);
    kit_context_end(w->context);
    acurast_queue_release(w->queue);
    acurast_service_release(w->service);
    for (size_t i = 0; i < SERVERS; i++)
        kit_log_clear(&w->logs[i]);
}

static uint64_t ask(world *w, size_t count, acurast_many_params settings)
{
    uint64_t operation = 0;
    settings.size = sizeof settings;
    settings.token = 9;
    w->progress[0] = 0;
    assert_int_equal(acurast_client_request_many(w->asker, w->ids[0], count, "vote", NULL, 0, &settings, &operation),
                     ACURAST_OK);
    assert_true(operation != 0);
    return operation;
}

static char letter_of(const world *w, const uint8_t *id)
{
    for (size_t i = 0; i <= SERVERS; i++)
        if (memcmp(id, w->ids[i], ACURAST_ID_SIZE) == 0)
            return (char)('a' + i);
    return '#';
}

/* "OK a:OK:1:7 b:NOT_HERE ...": the status, and of each its letter, status, group and bytes. */
static void write_down(world *w, const acurast_event_view *event)
{
    const acurast_answer *answers = (const acurast_answer *)(const void *)event->payload;
    size_t count = event->payload_size / sizeof *answers;
    int at = snprintf(w->told, sizeof w->told, "%s", acurast_status_name(event->status));
    for (size_t i = 0; i < count; i++) {
        const acurast_answer *answer = &answers[i];
        at += snprintf(w->told + at, sizeof w->told - (size_t)at, " %c:%s", letter_of(w, answer->id),
                       acurast_status_name(answer->status));
        if (answer->status == ACURAST_OK)
            at += snprintf(w->told + at, sizeof w->told - (size_t)at, ":%u:%.*s", answer->group, (int)answer->size,
                           (const char *)answer->data);
        else
            assert_int_equal(answer->group, 0);
        assert_true((answer->code == -7) == (answer->status == ACURAST_REMOTE_ERROR));
        assert_true((answer->data != NULL) == (answer->status == ACURAST_OK || answer->code == -7));
    }
}

/* Takes events until the end of that request: exactly one. */
static void wait_end(world *w, uint64_t operation)
{
    acurast_event_view view;
    size_t count;
    for (bool ended = false; !ended;) {
        view.size = sizeof view;
        assert_int_equal(acurast_queue_take(w->queue, &view, 1, DEADLINE_MS, &count), ACURAST_OK);
        bool ours = view.operation == operation;
        if (ours && view.type == ACURAST_EVENT_PROGRESS)
            w->progress[strlen(w->progress)] = letter_of(w, view.sender);
        ended = ours && view.type == ACURAST_EVENT_ANSWERS;
        assert_true(view.type != ACURAST_EVENT_REPLY && view.type != ACURAST_EVENT_OUTCOME);
        if (ours)
            assert_true(view.token == 9);
        if (ended)
            write_down(w, &view);
        assert_int_equal(acurast_queue_done(w->queue), ACURAST_OK);
    }
}

/* Whether all of it is over, also what was cancelled: no place in the outbox is kept. */
static void wait_empty(world *w)
{
    acurast_client_stats stats = {.size = sizeof stats};
    do
        assert_int_equal(acurast_client_get_stats(w->asker, &stats), ACURAST_OK);
    while (stats.outbox_count && (kit_pause(), true));
    assert_int_equal(stats.outbox_bytes, 0);
}

static size_t times(const char *text, const char *what)
{
    size_t count = 0;
    for (; (text = strstr(text, what)); text++)
        count++;
    return count;
}

static bool begins(const world *w, const char *with)
{
    return strncmp(w->told, with, strlen(with)) == 0;
}

static void test_need(void **state)
{
    static const char *const says[] = {"1", "2", "?", "!", "?"};
    world w;
    (void)state;
    begin_with(&w, NULL, NULL, says);
    wait_end(&w, ask(&w, SERVERS, (acurast_many_params){.need = 2, .timeout_ms = 60000}));
    assert_true(begins(&w, "OK "));
    assert_int_equal(times(w.told, ":OK:1:"), 2);
    assert_int_equal(times(w.told, " c:CANCELLED"), 1);
    assert_int_equal(times(w.told, " e:CANCELLED"), 1);
    assert_int_equal(strlen(w.progress), 2);
    wait_empty(&w);
    wait_end(&w, ask(&w, 2, (acurast_many_params){0})); /* all that are asked */
    assert_int_equal(times(w.told, ":OK:1:"), 2);
    wait_end(&w, ask(&w, 2, (acurast_many_params){.encoding = ACURAST_ENCODING_MSGPACK, .agree = 1}));
    assert_int_equal(times(w.told, ":OK:1:\x01"), 2);
    end(&w);
}

static void test_agree(void **state)
{
    static const char *const says[] = {"{\"a\":1,\"b\":[2]}", "7", "{\"b\":[2.0], \"a\":1}", "!", "?"};
    world w;
    (void)state;
    begin_with(&w, NULL, NULL, says);
    wait_end(&w, ask(&w, SERVERS, (acurast_many_params){.need = 2, .agree = 1, .timeout_ms = 60000}));
    assert_true(begins(&w, "OK "));
    assert_int_equal(times(w.told, " a:OK:1:{\"a\":1,\"b\":[2]}"), 1);
    assert_int_equal(times(w.told, " c:OK:1:{\"b\":[2.0], \"a\":1}"), 1);
    assert_int_equal(times(w.told, " b:OK:1:"), 0);
    assert_int_equal(times(w.told, " e:CANCELLED"), 1);
    wait_empty(&w);
    end(&w);
}

static void test_impossible(void **state)
{
    static const char *const says[] = {"1", "!", "2", "?", "?"};
    world w;
    (void)state;
    begin_with(&w, NULL, NULL, says);
    memcpy(w.ids[3], w.ids[SERVERS], ACURAST_ID_SIZE);
    w.ids[SERVERS][0] = 2;
    wait_end(&w, ask(&w, SERVERS, (acurast_many_params){.need = 3, .agree = 1, .timeout_ms = 60000}));
    assert_true(begins(&w, "NOT_ENOUGH_ANSWERS "));
    assert_int_equal(times(w.told, " b:REMOTE_ERROR") + times(w.told, " d:NOT_HERE") + times(w.told, ":OK:"), 4);
    assert_int_equal(times(w.told, " e:CANCELLED"), 1);
    wait_empty(&w);
    end(&w);
}

static void test_time_and_cancel(void **state)
{
    static const char *const says[] = {"1", "?", "?", "?", "?"};
    world w;
    (void)state;
    begin_with(&w, NULL, KIT_PAIRS("linger", "60s"), says);
    wait_end(&w, ask(&w, SERVERS, (acurast_many_params){.need = 3, .timeout_ms = 150}));
    assert_true(begins(&w, "NOT_ENOUGH_ANSWERS a:OK:1:1 "));
    assert_int_equal(times(w.told, ":TIMEOUT"), 4);
    wait_empty(&w);
    uint64_t second = ask(&w, SERVERS, (acurast_many_params){.need = 3, .timeout_ms = 60000});
    for (size_t i = 1; i < SERVERS; i++)
        assert_true(kit_wait(&w.logs[i], any_request, 2));
    assert_int_equal(acurast_client_cancel(w.asker, second), ACURAST_OK);
    wait_end(&w, second);
    assert_true(begins(&w, "CANCELLED "));
    assert_true(times(w.told, ":CANCELLED") >= 4);
    wait_empty(&w);
    uint64_t third = ask(&w, SERVERS, (acurast_many_params){.need = 3, .timeout_ms = 60000});
    assert_int_equal(acurast_client_close(w.asker), ACURAST_OK);
    wait_end(&w, third);
    assert_true(begins(&w, "CLOSED "));
    assert_true(times(w.told, ":CLOSED") >= 4);
    end(&w);
}

/* Through services and to servers without the extension: there is no receipt, and the same answer. */
static void test_without_the_extension(void **state)
{
    static const char *const says[] = {"1", "1", "1", "2", "?"};
    world w;
    (void)state;
    begin_with(&w, KIT_PAIRS("extensions", "off"), NULL, says);
    wait_end(&w, ask(&w, SERVERS, (acurast_many_params){.need = 3, .agree = 1, .timeout_ms = 60000}));
    assert_true(begins(&w, "OK "));
    assert_int_equal(times(w.told, ":OK:1:1"), 3);
    wait_empty(&w);
    end(&w);
}

static acurast_status try(world *w, size_t count, const char *method, const char *params, acurast_many_params settings)
{
    return acurast_client_request_many(w->asker, w->ids[0], count, method, params, params ? strlen(params) : 0,
                                       settings.size ? &settings : NULL, NULL);
}

#define SETTINGS(...) ((acurast_many_params){.size = sizeof(acurast_many_params), __VA_ARGS__})

static void test_by_mistake(void **state)
{
    static const char *const says[] = {"1", "1", "1", "1", "?"};
    static const uint8_t many[1025][ACURAST_ID_SIZE] = {{0}};
    world w;
    (void)state;
    begin_with(&w, NULL, KIT_PAIRS("outbox-count", "10"), says);
    assert_int_equal(try(&w, 0, "vote", NULL, SETTINGS(0)), ACURAST_INVALID);
    assert_int_equal(try(&w, 2, "vote", NULL, SETTINGS(.need = 3)), ACURAST_INVALID);
    assert_int_equal(try(&w, 2, "vote", NULL, SETTINGS(.agree = 2)), ACURAST_INVALID);
    assert_int_equal(try(&w, 2, "vote", NULL, SETTINGS(.retry = 2)), ACURAST_INVALID);
    assert_int_equal(try(&w, 2, "vote", NULL, SETTINGS(.encoding = 2)), ACURAST_INVALID);
    assert_int_equal(try(&w, 2, "vote", NULL, SETTINGS(.reserved = 1)), ACURAST_INVALID);
    assert_int_equal(try(&w, 2, "vote", NULL, (acurast_many_params){.size = 8}), ACURAST_INVALID);
    assert_int_equal(try(&w, 2, "", NULL, SETTINGS(0)), ACURAST_INVALID);
    assert_int_equal(try(&w, 2, "vote", "1", SETTINGS(0)), ACURAST_INVALID);
    assert_int_equal(try(&w, 2, "vote", "[", SETTINGS(0)), ACURAST_INVALID);
    assert_int_equal(try(&w, 5, "vote", NULL, SETTINGS(0)),
                     ACURAST_TOO_LARGE); /* 5 and the outcome: more than a half */
    assert_int_equal(acurast_client_request_many(w.asker, NULL, 1, "vote", NULL, 0, NULL, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_client_request_many(w.asker, many[0], 1025, "vote", NULL, 0, NULL, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_client_request_many(w.asker, many[0], 2, "vote", NULL, 0, NULL, NULL), ACURAST_INVALID);
    wait_empty(&w);
    /* Places in the outbox: of the asked, and of the end until it is taken. */
    uint64_t first = ask(&w, 4, (acurast_many_params){.need = 1}),
             second = ask(&w, 4, (acurast_many_params){.need = 1});
    assert_true(try(&w, 4, "vote", NULL, SETTINGS(0)) == ACURAST_OUTBOX_FULL);
    wait_end(&w, first);
    wait_end(&w, second);
    end(&w);
}

/* What is too large for its share is no answer, and takes nothing from the others. */
static void test_large_answers(void **state)
{
    static const size_t share = (size_t)16 * 1024 * 1024 / 3;
    const char *says[] = {NULL, NULL, "\"small\"", "?", "?"};
    world w;
    (void)state;
    char *large = malloc(share + 2), *fits = malloc(share + 1);
    memset(large, 'x', share + 1);
    memset(fits, 'x', share);
    large[0] = large[share] = fits[0] = fits[share - 1] = '"';
    large[share + 1] = fits[share] = 0;
    says[0] = large;
    says[1] = fits;
    begin_with(&w, NULL, NULL, says);
    uint64_t operation = ask(&w, 3, (acurast_many_params){.need = 3, .timeout_ms = 60000});
    acurast_event_view view;
    size_t count;
    do {
        view.size = sizeof view;
        assert_int_equal(acurast_queue_take(w.queue, &view, 1, DEADLINE_MS, &count), ACURAST_OK);
        if (view.type != ACURAST_EVENT_ANSWERS)
            acurast_queue_done(w.queue);
    } while (view.type != ACURAST_EVENT_ANSWERS);
    const acurast_answer *answers = (const acurast_answer *)(const void *)view.payload;
    assert_true(view.operation == operation);
    assert_int_equal(view.status, ACURAST_NOT_ENOUGH_ANSWERS);
    for (size_t i = 0; i < 3; i++) {
        char letter = letter_of(&w, answers[i].id);
        if (letter == 'a')
            assert_true(answers[i].status == ACURAST_TOO_LARGE && answers[i].size == 0);
        else if (answers[i].status != ACURAST_CANCELLED)
            assert_true(answers[i].size == (letter == 'b' ? share : 7));
    }
    acurast_queue_done(w.queue);
    end(&w);
    free(large);
    free(fits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_need),          KIT_TEST(test_agree),
        KIT_TEST(test_impossible),    KIT_TEST(test_time_and_cancel),
        KIT_TEST(test_by_mistake),    KIT_TEST(test_without_the_extension),
        KIT_TEST(test_large_answers),
    };
    return cmocka_run_group_tests(tests, kit_warm_up, NULL);
}
