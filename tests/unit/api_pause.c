/* A client that was told to pause: nothing comes while its sends go on, also over a reconnect, and a close is not held up. */
#include "support/client_kit.h"

enum {
    HELD = 20
};

static const kit_pattern any_payload = {.type = ACURAST_EVENT_PAYLOAD};

/* Sends payloads to one who pauses, and sees that what was sent later by a third has come while nothing of them has. */
static void flood_in_vain(acurast_client *sender, acurast_client *pausing, kit_log *heard, kit_log *of_sender)
{
    size_t before = kit_count(heard, any_payload), answers = kit_count(of_sender, any_payload);
    for (int i = 0; i < HELD; i++)
        assert_int_equal(kit_send(sender, acurast_client_id(pausing), "held", NULL), ACURAST_OK);
    for (size_t i = 1; i <= 2; i++) { /* the second was sent when the flood had arrived */
        assert_int_equal(kit_send(pausing, acurast_client_id(sender), "sends go on", NULL), ACURAST_OK);
        assert_true(kit_wait(of_sender, any_payload, answers + i));
    }
    assert_int_equal(kit_count(heard, any_payload), before);
}

static void test_a_pause_holds_what_comes(void **state)
{
    static kit_log heard, of_sender;
    (void)state;
    kit_log_init(&heard);
    kit_log_init(&of_sender);
    acurast_context *context = kit_context("1"), *of_services = kit_context("1");
    acurast_service *service = kit_service(of_services, 0, NULL);
    uint16_t port = acurast_service_port(service);
    acurast_client *pausing = kit_client(context, acurast_service_url(service), NULL, KIT_PAIRS(KIT_EAGER), &heard);
    assert_int_equal(acurast_client_pause(NULL, 1), ACURAST_INVALID);
    assert_int_equal(acurast_client_pause(pausing, 1), ACURAST_BAD_STATE);
    assert_int_equal(acurast_client_connect(pausing), ACURAST_OK);
    assert_int_equal(acurast_client_pause(pausing, 1), ACURAST_OK); /* and so it is when the connection stands */
    assert_int_equal(acurast_client_wait(pausing, DEADLINE_MS), ACURAST_OK);
    acurast_client *sender = kit_connected(context, acurast_service_url(service), KIT_PAIRS(KIT_EAGER), &of_sender);

    flood_in_vain(sender, pausing, &heard, &of_sender);
    assert_int_equal(acurast_client_pause(pausing, 0), ACURAST_OK);
    assert_true(kit_wait(&heard, any_payload, HELD));

    kit_service_end(service);
    assert_true(kit_wait_state(&heard, ACURAST_STATE_DISCONNECTED, 1));
    assert_int_equal(acurast_client_pause(pausing, 1), ACURAST_OK);
    service = kit_service(of_services, port, NULL);
    assert_true(kit_wait_state(&heard, ACURAST_STATE_CONNECTED, 2));
    assert_true(kit_wait_state(&of_sender, ACURAST_STATE_CONNECTED, 2));
    flood_in_vain(sender, pausing, &heard, &of_sender);
    assert_int_equal(acurast_client_pause(pausing, 0), ACURAST_OK);
    assert_true(kit_wait(&heard, any_payload, 2 * HELD));

    assert_int_equal(acurast_client_pause(pausing, 1), ACURAST_OK);
    assert_int_equal(acurast_client_close(pausing), ACURAST_OK); /* which a pause does not hold up */
    assert_true(kit_wait_state(&heard, ACURAST_STATE_CLOSED, 1));
    assert_int_equal(acurast_client_pause(pausing, 0), ACURAST_CLOSED);
    acurast_client_release(pausing);
    acurast_client_release(sender);
    kit_context_end(context);
    kit_service_end(service);
    kit_context_end(of_services);
    kit_log_clear(&heard);
    kit_log_clear(&of_sender);
}

int main(void)
{
    const struct CMUnitTest tests[] = {KIT_TEST(test_a_pause_holds_what_comes)};
    return cmocka_run_group_tests(tests, kit_warm_up, NULL);
}
