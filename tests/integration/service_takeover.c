/*
 * The directory over several threads, for real: payloads for an id whose connection moves from loop to loop arrive, all of
 * them, once and in order.
 */
#include "support/client_kit.h"

#define RECIPIENTS 6
#define GENERATIONS 4 /* the first connection, and the three takeovers that are allowed in ten seconds */
#define PAYLOADS 400  /* to each recipient */

typedef struct recipient {
    acurast_identity *identity;
    uint8_t id[ACURAST_ID_SIZE];
    acurast_client *clients[GENERATIONS];
    kit_log logs[GENERATIONS];
} recipient;

typedef struct sender {
    acurast_client *client;
    recipient *recipients;
    int failures;
} sender;

static void *send_all(void *argument)
{
    sender *self = argument;
    char text[16];
    for (int i = 0; i < PAYLOADS; i++) {
        snprintf(text, sizeof text, "%d", i);
        for (size_t r = 0; r < RECIPIENTS; r++)
            self->failures += kit_send(self->client, self->recipients[r].id, text, NULL) != ACURAST_OK;
        if (i % 8 == 0)
            kit_pause(); /* so that it lasts as long as the takeovers do */
    }
    return NULL;
}

static size_t received(recipient *to)
{
    size_t count = 0;
    for (size_t g = 0; g < GENERATIONS; g++)
        count += kit_count(&to->logs[g], (kit_pattern){.type = ACURAST_EVENT_PAYLOAD});
    return count;
}

static void connect_generation(acurast_context *context, const char *url, recipient *to, size_t generation)
{
    kit_log_init(&to->logs[generation]);
    to->clients[generation] = kit_client(context, url, to->identity, NULL, &to->logs[generation]);
    assert_int_equal(acurast_client_connect(to->clients[generation]), ACURAST_OK);
    assert_int_equal(acurast_client_wait(to->clients[generation], DEADLINE_MS), ACURAST_OK);
}

/* What the generations got, one after the other, is 0, 1, 2, ... */
static void assert_all_in_order(const recipient *to)
{
    int next = 0;
    for (size_t g = 0; g < GENERATIONS; g++) {
        for (size_t i = 0; i < to->logs[g].count; i++) {
            const kit_event *event = to->logs[g].events[i];
            if (event->view.type == ACURAST_EVENT_PAYLOAD)
                assert_int_equal(atoi((const char *)event->payload), next++);
        }
    }
    assert_int_equal(next, PAYLOADS);
}

static void assert_replaced(recipient *to, size_t generation)
{
    assert_true(kit_wait_state(&to->logs[generation], ACURAST_STATE_CLOSED, 1));
    const kit_event *closed =
        kit_find(&to->logs[generation], (kit_pattern){.type = ACURAST_EVENT_STATE, .state = ACURAST_STATE_CLOSED}, 0);
    assert_int_equal(closed->view.status, ACURAST_REPLACED);
    assert_int_equal(closed->view.close_code, 4001);
    assert_string_not_equal(closed->text, "");
}

static void takeovers_lose_nothing_and_keep_the_order(void **state)
{
    (void)state;
    static recipient recipients[RECIPIENTS];
    pthread_t thread;
    acurast_context *services = kit_context("4"), *clients = kit_context("2");
    acurast_service *service = kit_service(services, 0, KIT_PAIRS("mailbox-count", "10000"));
    const char *url = acurast_service_url(service);
    for (size_t r = 0; r < RECIPIENTS; r++) {
        assert_int_equal(acurast_identity_generate(ACURAST_KEY_P256, &recipients[r].identity), ACURAST_OK);
        acurast_identity_id(recipients[r].identity, recipients[r].id);
        connect_generation(clients, url, &recipients[r], 0);
    }
    sender from = {.recipients = recipients};
    from.client = kit_connected(clients, url, NULL, NULL);
    assert_int_equal(pthread_create(&thread, NULL, send_all, &from), 0);
    for (size_t g = 1; g < GENERATIONS; g++)
        for (size_t r = 0; r < RECIPIENTS; r++)
            connect_generation(clients, url, &recipients[r], g);
    pthread_join(thread, NULL);
    assert_int_equal(from.failures, 0);
    for (size_t r = 0; r < RECIPIENTS; r++) {
        KIT_EVENTUALLY(received(&recipients[r]) >= PAYLOADS);
        for (size_t g = 0; g + 1 < GENERATIONS; g++)
            assert_replaced(&recipients[r], g);
        for (size_t g = 0; g < GENERATIONS; g++)
            kit_client_end(recipients[r].clients[g], &recipients[r].logs[g]);
        assert_all_in_order(&recipients[r]);
        for (size_t g = 0; g < GENERATIONS; g++)
            kit_log_clear(&recipients[r].logs[g]);
        acurast_identity_release(recipients[r].identity);
    }
    acurast_client_release(from.client);
    kit_service_end(service);
    kit_context_end(clients);
    kit_context_end(services);
}

/* Connections of few keys come and go at once on all loops, with payloads for each other: nothing hangs, nothing is left. */
static void a_storm_of_connections_ends_clean(void **state)
{
    (void)state;
    enum {
        KEYS = 3,
        CLIENTS = 12,
        ROUNDS = 6
    };
    acurast_identity *identities[KEYS];
    uint8_t ids[KEYS][ACURAST_ID_SIZE];
    acurast_context *services = kit_context("4"), *clients = kit_context("2");
    acurast_service *service = kit_service(services, 0, NULL);
    for (size_t k = 0; k < KEYS; k++) {
        assert_int_equal(acurast_identity_generate(ACURAST_KEY_P256, &identities[k]), ACURAST_OK);
        acurast_identity_id(identities[k], ids[k]);
    }
    for (int round = 0; round < ROUNDS; round++) {
        acurast_client *storm[CLIENTS];
        for (size_t c = 0; c < CLIENTS; c++) {
            storm[c] = kit_client(clients, acurast_service_url(service), identities[c % KEYS],
                                  KIT_PAIRS("reconnect-when-replaced", "on", KIT_EAGER), NULL);
            assert_int_equal(acurast_client_connect(storm[c]), ACURAST_OK);
            for (size_t k = 0; k < KEYS; k++)
                kit_send(storm[c], ids[k], "a payload in the storm", NULL);
        }
        for (size_t c = 0; c < CLIENTS; c++)
            if (c % 3 == (size_t)round % 3)
                acurast_client_wait(storm[c], 50); /* connected, or not: both are fine in a storm */
        for (size_t c = 0; c < CLIENTS; c++)
            acurast_client_release(storm[c]);
    }
    for (size_t k = 0; k < KEYS; k++)
        acurast_identity_release(identities[k]);
    kit_service_end(service);
    kit_context_end(clients);
    kit_context_end(services);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(takeovers_lose_nothing_and_keep_the_order),
        KIT_TEST(a_storm_of_connections_ends_clean),
    };
    return cmocka_run_group_tests(tests, kit_warm_up, NULL);
}
