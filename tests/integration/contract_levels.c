/* The contract of sends with a level, sentence by sentence: core/docs/threading.md, 40 to 47. */
#include "support/client_kit.h"

#define COUNT 200

static const kit_pattern any_payload = {.type = ACURAST_EVENT_PAYLOAD};
static const kit_pattern any_outcome = {.type = ACURAST_EVENT_OUTCOME};
static const kit_pattern any_gone = {.type = ACURAST_EVENT_GONE};
static const kit_pattern any_seen = {.type = ACURAST_EVENT_SEEN};

typedef struct world {
    acurast_context *context;
    acurast_service *service;
    acurast_client *sender;
    kit_log log; /* of the sender */
} world;

static void begin(world *w, const char *const *service_options)
{
    kit_log_init(&w->log);
    w->context = kit_context("2");
    w->service = kit_service(w->context, 0, service_options);
    w->sender = kit_connected(w->context, acurast_service_url(w->service), KIT_PAIRS(KIT_EAGER), &w->log);
}

static void end(world *w)
{
    kit_client_end(w->sender, &w->log);
    kit_context_end(w->context);
    acurast_service_release(w->service);
    kit_log_clear(&w->log);
}

static acurast_client *connect_here(const world *w, const char *const *options, kit_log *log)
{
    return kit_connected(w->context, acurast_service_url(w->service), options, log);
}

static uint64_t send_until(const world *w, const uint8_t *recipient, const char *text, acurast_level until,
                           uint32_t timeout_ms)
{
    uint64_t operation = 0;
    acurast_send_params params = {.size = sizeof params, .until = (uint32_t)until, .timeout_ms = timeout_ms};
    assert_int_equal(
        acurast_client_send(w->sender, recipient, ACURAST_ID_SIZE, text, strlen(text), &params, &operation),
        ACURAST_OK);
    assert_true(operation != 0);
    return operation;
}

static const acurast_event_view *outcome_of(world *w, uint64_t operation)
{
    kit_pattern pattern = {.type = ACURAST_EVENT_OUTCOME, .operation = operation};
    assert_true(kit_wait(&w->log, pattern, 1));
    assert_int_equal(kit_count(&w->log, pattern), 1);
    return &kit_find(&w->log, pattern, 0)->view;
}

static void assert_outcome(world *w, uint64_t operation, acurast_status status, acurast_level reached)
{
    const acurast_event_view *outcome = outcome_of(w, operation);
    assert_int_equal(outcome->status, status);
    assert_int_equal(outcome->reached, reached);
}

static void test_40_one_outcome_with_its_level(void **state)
{
    world w;
    kit_log log, old_log;
    static const uint8_t nobody[ACURAST_ID_SIZE] = {1};
    (void)state;
    begin(&w, NULL);
    kit_log_init(&log);
    kit_log_init(&old_log);
    acurast_client *receiver = connect_here(&w, NULL, &log);
    acurast_client *old = connect_here(&w, KIT_PAIRS("extensions", "off"), &old_log);
    const uint8_t *id = acurast_client_id(receiver), *old_id = acurast_client_id(old);
    assert_outcome(&w, send_until(&w, id, "1", ACURAST_LEVEL_WRITTEN, 0), ACURAST_OK, ACURAST_LEVEL_WRITTEN);
    assert_outcome(&w, send_until(&w, id, "2", ACURAST_LEVEL_RELAYED, 0), ACURAST_OK, ACURAST_LEVEL_RELAYED);
    assert_outcome(&w, send_until(&w, id, "3", ACURAST_LEVEL_DELIVERED, 0), ACURAST_OK, ACURAST_LEVEL_DELIVERED);
    assert_outcome(&w, send_until(&w, old_id, "4", ACURAST_LEVEL_RELAYED, 0), ACURAST_OK, ACURAST_LEVEL_RELAYED);
    assert_outcome(&w, send_until(&w, old_id, "5", ACURAST_LEVEL_DELIVERED, 0), ACURAST_OK, ACURAST_LEVEL_RELAYED);
    assert_outcome(&w, send_until(&w, nobody, "6", ACURAST_LEVEL_DELIVERED, 0), ACURAST_NOT_HERE,
                   ACURAST_LEVEL_WRITTEN);
    assert_true(kit_wait(&log, any_payload, 3));
    assert_true(kit_wait(&old_log, any_payload, 2));
    assert_string_equal(kit_find(&log, any_payload, 2)->payload, "3");
    assert_string_equal(kit_find(&old_log, any_payload, 1)->payload, "5");
    acurast_send_params params = {.size = sizeof params, .until = ACURAST_LEVEL_RELAYED};
    assert_int_equal(acurast_client_send(old, id, ACURAST_ID_SIZE, "7", 1, &params, NULL), ACURAST_UNSUPPORTED);
    params.until = ACURAST_LEVEL_DELIVERED + 1;
    assert_int_equal(acurast_client_send(w.sender, id, ACURAST_ID_SIZE, "8", 1, &params, NULL), ACURAST_INVALID);
    kit_client_end(receiver, &log);
    kit_client_end(old, &old_log);
    end(&w);
    kit_log_clear(&log);
    kit_log_clear(&old_log);
}

/* A service that speaks no extensions cannot say it: at once. */
static void test_40_unsupported_is_told_at_once(void **state)
{
    world w;
    (void)state;
    begin(&w, KIT_PAIRS("extensions", "off"));
    const uint8_t *id = acurast_client_id(w.sender);
    assert_outcome(&w, send_until(&w, id, "1", ACURAST_LEVEL_RELAYED, 60000), ACURAST_UNSUPPORTED,
                   ACURAST_LEVEL_WRITTEN);
    assert_int_equal(acurast_client_look(w.sender, id, 1, NULL, NULL), ACURAST_OK);
    assert_true(kit_wait(&w.log, any_seen, 1));
    assert_int_equal(kit_find(&w.log, any_seen, 0)->view.status, ACURAST_UNSUPPORTED);
    end(&w);
}

static size_t take(acurast_queue *queue, acurast_event_view *views, size_t max)
{
    size_t count;
    views[0].size = sizeof views[0];
    assert_int_equal(acurast_queue_take(queue, views, max, DEADLINE_MS, &count), ACURAST_OK);
    return count;
}

/* Takes until a payload is out; what comes before is given back. */
static void take_payload(acurast_queue *queue)
{
    acurast_event_view view;
    while (take(queue, &view, 1) != 1 || view.type != ACURAST_EVENT_PAYLOAD)
        assert_int_equal(acurast_queue_done(queue), ACURAST_OK);
}

static acurast_client *with_queue(const world *w, acurast_queue **queue)
{
    acurast_client *client = kit_client(w->context, acurast_service_url(w->service), NULL, KIT_PAIRS(KIT_EAGER), NULL);
    assert_int_equal(acurast_queue_create(w->context, 0, 0, queue), ACURAST_OK);
    assert_int_equal(acurast_client_set_queue(client, *queue, 1), ACURAST_OK);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    assert_int_equal(acurast_client_wait(client, DEADLINE_MS), ACURAST_OK);
    return client;
}

static void test_41_delivered_when_it_was_given_back(void **state)
{
    world w;
    acurast_queue *queue;
    (void)state;
    begin(&w, NULL);
    acurast_client *receiver = with_queue(&w, &queue);
    const uint8_t *id = acurast_client_id(receiver);
    uint64_t delivered = send_until(&w, id, "1", ACURAST_LEVEL_DELIVERED, 0);
    uint64_t relayed = send_until(&w, id, "2", ACURAST_LEVEL_RELAYED, 0);
    take_payload(queue);
    assert_outcome(&w, relayed, ACURAST_OK, ACURAST_LEVEL_RELAYED); /* all that is before it has come */
    assert_int_equal(kit_count(&w.log, any_outcome), 1);
    assert_int_equal(acurast_queue_done(queue), ACURAST_OK);
    assert_outcome(&w, delivered, ACURAST_OK, ACURAST_LEVEL_DELIVERED);
    acurast_client_release(receiver);
    acurast_queue_release(queue);
    end(&w);
}

static void test_42_dropped_is_not_delivered(void **state)
{
    world w;
    acurast_queue *queue;
    (void)state;
    begin(&w, NULL);
    acurast_client *receiver = with_queue(&w, &queue);
    acurast_client *deaf = connect_here(&w, NULL, NULL);
    uint64_t first = send_until(&w, acurast_client_id(receiver), "1", ACURAST_LEVEL_DELIVERED, 600);
    uint64_t second = send_until(&w, acurast_client_id(deaf), "2", ACURAST_LEVEL_DELIVERED, 600);
    take_payload(queue);
    acurast_queue_release(queue); /* it was taken, and not given back */
    assert_outcome(&w, first, ACURAST_UNDETERMINED, ACURAST_LEVEL_WRITTEN);
    assert_outcome(&w, second, ACURAST_UNDETERMINED, ACURAST_LEVEL_WRITTEN);
    acurast_client_release(receiver);
    acurast_client_release(deaf);
    end(&w);
}

/* A newer connection of the same key, which is not let in for long, breaks the older one. */
static void break_connection(const world *w, acurast_identity *identity)
{
    kit_log log;
    kit_log_init(&log);
    acurast_client *rival = kit_client(w->context, acurast_service_url(w->service), identity, NULL, &log);
    assert_int_equal(acurast_client_connect(rival), ACURAST_OK);
    assert_true(kit_wait_state(&log, ACURAST_STATE_CONNECTED, 1));
    kit_client_end(rival, &log);
    kit_log_clear(&log);
}

/* What the receiver got: each number of the sender once, and in order. */
static void assert_each_once(kit_log *log, size_t count)
{
    assert_true(kit_wait(log, any_payload, count));
    assert_int_equal(kit_count(log, any_payload), count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(strtoul((const char *)kit_find(log, any_payload, i)->payload, NULL, 10), i);
}

/* The service ends while payloads are under way, and another comes in its place. */
static void test_43_sent_again_given_once(void **state)
{
    world w;
    kit_log log;
    char text[32];
    (void)state;
    begin(&w, NULL);
    kit_log_init(&log);
    acurast_client *receiver = connect_here(&w, KIT_PAIRS(KIT_EAGER), &log);
    uint16_t port = acurast_service_port(w.service);
    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof text, "%d", i);
        send_until(&w, acurast_client_id(receiver), text, ACURAST_LEVEL_DELIVERED, 0);
        if (i % (COUNT / 4) == COUNT / 8) {
            kit_service_end(w.service);
            w.service = kit_service(w.context, port, NULL);
        }
    }
    assert_true(kit_wait(&w.log, any_outcome, COUNT));
    for (size_t i = 0; i < COUNT; i++) {
        acurast_status status = kit_find(&w.log, any_outcome, i)->view.status;
        assert_true(status == ACURAST_OK || status == ACURAST_UNDETERMINED || status == ACURAST_NOT_HERE);
    }
    size_t got = kit_count(&log, any_payload), ok = 0;
    for (size_t i = 0; i < COUNT; i++)
        ok += kit_find(&w.log, any_outcome, i)->view.status == ACURAST_OK;
    assert_true(got >= ok);
    for (size_t i = 1; i < got; i++)
        assert_true(strtoul((const char *)kit_find(&log, any_payload, i - 1)->payload, NULL, 10) <
                    strtoul((const char *)kit_find(&log, any_payload, i)->payload, NULL, 10));
    kit_client_end(receiver, &log);
    end(&w);
    kit_log_clear(&log);
}

/* The recipient's connection breaks again and again, and comes back: with a mailbox nothing is lost, doubled or out of order. */
static void test_43_the_recipient_comes_back(void **state)
{
    world w;
    kit_log log;
    char text[32];
    acurast_identity *identity;
    (void)state;
    begin(&w, NULL);
    kit_log_init(&log);
    assert_int_equal(acurast_identity_generate(ACURAST_KEY_P256, &identity), ACURAST_OK);
    acurast_client *receiver = kit_client(w.context, acurast_service_url(w.service), identity,
                                          KIT_PAIRS(KIT_EAGER, "reconnect-when-replaced", "on"), &log);
    assert_int_equal(acurast_client_connect(receiver), ACURAST_OK);
    assert_int_equal(acurast_client_wait(receiver, DEADLINE_MS), ACURAST_OK);
    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof text, "%d", i);
        send_until(&w, acurast_client_id(receiver), text, ACURAST_LEVEL_DELIVERED, 0);
        if (i == COUNT / 2) {
            size_t connected =
                kit_count(&log, (kit_pattern){.type = ACURAST_EVENT_STATE, .state = ACURAST_STATE_CONNECTED});
            break_connection(&w, identity);
            assert_true(kit_wait_state(&log, ACURAST_STATE_CONNECTED, connected + 1));
        }
    }
    assert_true(kit_wait(&w.log, any_outcome, COUNT));
    size_t got = kit_count(&log, any_payload);
    for (size_t i = 1; i < got; i++)
        assert_true(strtoul((const char *)kit_find(&log, any_payload, i - 1)->payload, NULL, 10) <
                    strtoul((const char *)kit_find(&log, any_payload, i)->payload, NULL, 10));
    kit_client_end(receiver, &log);
    acurast_identity_release(identity);
    end(&w);
    kit_log_clear(&log);
}

static void test_43_nothing_happens_to_a_healthy_pair(void **state)
{
    world w;
    kit_log log;
    char text[32];
    (void)state;
    begin(&w, NULL);
    kit_log_init(&log);
    acurast_client *receiver = connect_here(&w, NULL, &log);
    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof text, "%d", i);
        send_until(&w, acurast_client_id(receiver), text, ACURAST_LEVEL_DELIVERED, 0);
    }
    assert_true(kit_wait(&w.log, (kit_pattern){.type = ACURAST_EVENT_OUTCOME, .with_status = true}, COUNT));
    assert_each_once(&log, COUNT);
    acurast_client_stats stats = {.size = sizeof stats};
    assert_int_equal(acurast_client_get_stats(receiver, &stats), ACURAST_OK);
    assert_int_equal(stats.repeats, 0);
    assert_int_equal(acurast_client_get_stats(w.sender, &stats), ACURAST_OK);
    assert_int_equal(stats.foreign_receipts, 0);
    kit_client_end(receiver, &log);
    end(&w);
    kit_log_clear(&log);
}

static void test_44_written_then_cancelled(void **state)
{
    world w;
    acurast_queue *queue;
    (void)state;
    begin(&w, NULL);
    acurast_client *receiver = with_queue(&w, &queue);
    uint64_t first = send_until(&w, acurast_client_id(receiver), "1", ACURAST_LEVEL_DELIVERED, 0);
    uint64_t second = send_until(&w, acurast_client_id(receiver), "2", ACURAST_LEVEL_DELIVERED, 50);
    take_payload(queue);
    assert_int_equal(acurast_client_cancel(w.sender, first), ACURAST_OK);
    assert_outcome(&w, first, ACURAST_UNDETERMINED, ACURAST_LEVEL_WRITTEN);
    assert_outcome(&w, second, ACURAST_UNDETERMINED, ACURAST_LEVEL_WRITTEN);
    assert_int_equal(acurast_queue_done(queue), ACURAST_OK); /* its receipt comes too late */
    acurast_client_release(receiver);
    acurast_queue_release(queue);
    end(&w);
}

static void test_45_one_seen_for_each_look(void **state)
{
    world w;
    kit_log log;
    uint64_t operation;
    uint8_t ids[2][ACURAST_ID_SIZE] = {{1}};
    (void)state;
    begin(&w, NULL);
    kit_log_init(&log);
    acurast_client *receiver = connect_here(&w, NULL, &log);
    memcpy(ids[1], acurast_client_id(receiver), ACURAST_ID_SIZE);
    acurast_send_params params = {.size = sizeof params, .token = 77};
    assert_int_equal(acurast_client_look(w.sender, ids[0], 2, &params, &operation), ACURAST_OK);
    assert_true(kit_wait(&w.log, any_seen, 1));
    const kit_event *seen = kit_find(&w.log, any_seen, 0);
    assert_int_equal(seen->view.status, ACURAST_OK);
    assert_true(seen->view.operation == operation && seen->view.token == 77);
    assert_int_equal(seen->view.payload_size, 2 * sizeof(acurast_seen));
    acurast_seen found[2];
    memcpy(found, seen->payload, sizeof found);
    assert_memory_equal(found[0].id, ids[0], ACURAST_ID_SIZE);
    assert_int_equal(found[0].presence, ACURAST_PRESENCE_NOT_HERE);
    assert_memory_equal(found[1].id, ids[1], ACURAST_ID_SIZE);
    assert_int_equal(found[1].presence, ACURAST_PRESENCE_HERE);
    uint8_t owner[ACURAST_ID_SIZE];
    assert_int_equal(acurast_id_of(found[1].public_key, sizeof found[1].public_key, owner), ACURAST_OK);
    assert_memory_equal(owner, ids[1], ACURAST_ID_SIZE);
    assert_int_equal(acurast_client_look(w.sender, ids[0], 0, NULL, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_client_look(w.sender, ids[0], ACURAST_LOOK_MAX + 1, NULL, NULL), ACURAST_INVALID);
    assert_int_equal(acurast_client_look(w.sender, NULL, 1, NULL, NULL), ACURAST_INVALID);
    kit_client_end(receiver, &log);
    end(&w);
    kit_log_clear(&log);
}

static void test_46_gone_is_told_once(void **state)
{
    world w;
    kit_log log;
    (void)state;
    begin(&w, NULL);
    kit_log_init(&log);
    acurast_client *receiver = connect_here(&w, NULL, &log);
    uint8_t id[ACURAST_ID_SIZE];
    memcpy(id, acurast_client_id(receiver), sizeof id);
    outcome_of(&w, send_until(&w, id, "1", ACURAST_LEVEL_DELIVERED, 0));
    kit_client_end(receiver, &log);
    assert_true(kit_wait(&w.log, any_gone, 1));
    assert_memory_equal(kit_find(&w.log, any_gone, 0)->sender, id, sizeof id);
    assert_int_equal(kit_find(&w.log, any_gone, 0)->view.presence, ACURAST_PRESENCE_AWAY);
    uint64_t kept = send_until(&w, id, "2", ACURAST_LEVEL_DELIVERED, 100);
    assert_outcome(&w, kept, ACURAST_UNDETERMINED, ACURAST_LEVEL_WRITTEN); /* it waits in the mailbox */
    assert_int_equal(kit_count(&w.log, any_gone), 1);
    end(&w);
    kit_log_clear(&log);
}

static void test_47_receipts_come_before_the_goodbye(void **state)
{
    world w;
    acurast_queue *queue;
    (void)state;
    begin(&w, NULL);
    acurast_client *receiver = with_queue(&w, &queue);
    uint64_t operation = send_until(&w, acurast_client_id(receiver), "1", ACURAST_LEVEL_DELIVERED, 0);
    take_payload(queue);
    assert_int_equal(acurast_queue_done(queue), ACURAST_OK);
    assert_int_equal(acurast_client_close(receiver), ACURAST_OK);
    assert_outcome(&w, operation, ACURAST_OK, ACURAST_LEVEL_DELIVERED);
    acurast_client_release(receiver);
    acurast_queue_release(queue);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_40_one_outcome_with_its_level),
        KIT_TEST(test_40_unsupported_is_told_at_once),
        KIT_TEST(test_41_delivered_when_it_was_given_back),
        KIT_TEST(test_42_dropped_is_not_delivered),
        KIT_TEST(test_43_nothing_happens_to_a_healthy_pair),
        KIT_TEST(test_43_sent_again_given_once),
        KIT_TEST(test_43_the_recipient_comes_back),
        KIT_TEST(test_44_written_then_cancelled),
        KIT_TEST(test_45_one_seen_for_each_look),
        KIT_TEST(test_46_gone_is_told_once),
        KIT_TEST(test_47_receipts_come_before_the_goodbye),
    };
    return cmocka_run_group_tests(tests, kit_warm_up, NULL);
}
