/* Deliveries: one way only, callbacks at once, queues with copies that outlive the call. */
#include "base/bytes.h"
#include "base/event.h"
#include "base/memory.h"
#include "base/queue.h"
#include "support/unit.h"

#include <string.h>

typedef struct seen {
    int calls;
    int ended;
    acurast_event_view last;
} seen;

typedef struct counted_event {
    acurast__event event;
    int releases;
} counted_event;

static int64_t live_before;

static int setup(void **state)
{
    (void)state;
    live_before = acurast_live_objects();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(acurast_live_objects(), live_before);
    return 0;
}

static void see(void *user, const acurast_event_view *event)
{
    seen *s = user;
    s->calls++;
    s->last = *event;
}

static void see_end(void *user)
{
    ((seen *)user)->ended++;
}

static void count_release(acurast__event *event)
{
    ACURAST__CONTAINER(event, counted_event, event)->releases++;
}

static counted_event make_event(acurast_event_type type)
{
    counted_event made = {.event = {.view = acurast__event_view(type), .release = count_release}};
    return made;
}

static acurast_queue *make_queue(void)
{
    acurast_queue *queue = NULL;
    assert_int_equal(acurast__queue_create(0, 0, &queue), ACURAST_OK);
    return queue;
}

static acurast_event_view take_one(acurast_queue *queue)
{
    acurast_event_view view = {.size = sizeof(view)};
    size_t count = 0;
    assert_int_equal(acurast_queue_take(queue, &view, 1, 0, &count), ACURAST_OK);
    assert_int_equal(count, 1);
    return view;
}

static void test_log_lines_are_dropped_where_nobody_takes_them(void **state)
{
    (void)state;
    acurast_queue *queue = NULL;
    assert_int_equal(acurast__queue_create(3, 0, &queue), ACURAST_OK);
    acurast__delivery delivery = {0};
    assert_int_equal(acurast__delivery_set_queue(&delivery, queue, 0), ACURAST_OK);
    acurast_event_view line = acurast__event_view(ACURAST_EVENT_LOG);
    line.text = "what=test";
    for (int i = 0; i < 100; i++)
        assert_true(acurast__delivery_view(&delivery, &line));
    acurast_event_view views[10] = {{.size = sizeof(*views)}};
    size_t count = 0;
    assert_int_equal(acurast_queue_take(queue, views, 10, 0, &count), ACURAST_OK);
    assert_int_equal(count, 3);
    assert_int_equal(acurast_queue_done(queue), ACURAST_OK);
    assert_true(acurast__delivery_view(&delivery, &line)); /* there is room again */
    assert_string_equal(take_one(queue).text, "what=test");
    acurast__delivery_end(&delivery);
    acurast_queue_release(queue);
}

static void test_an_empty_view_says_nothing(void **state)
{
    (void)state;
    acurast_event_view view = acurast__event_view(ACURAST_EVENT_STATE);
    assert_int_equal(view.size, sizeof(view));
    assert_int_equal(view.type, ACURAST_EVENT_STATE);
    assert_int_equal(view.retry_ms, -1);
    assert_string_equal(view.text, "");
    assert_null(view.payload);
    assert_non_null(acurast__event_view(ACURAST_EVENT_PAYLOAD).payload);
}

static void test_without_a_way_events_are_dropped(void **state)
{
    (void)state;
    acurast__delivery delivery = {0};
    acurast__event_waiter waiter = {0};
    acurast__list_init(&waiter.link);
    counted_event event = make_event(ACURAST_EVENT_OUTCOME);
    acurast__delivery_post(&delivery, &event.event);
    assert_int_equal(event.releases, 1);
    assert_true(acurast__delivery_view(&delivery, &event.event.view));
    assert_false(acurast__delivery_full(&delivery, &waiter));
    acurast__delivery_unwait(&delivery, &waiter);
    acurast__delivery_end(&delivery);
}

static void test_a_callback_sees_events_at_once(void **state)
{
    (void)state;
    acurast__delivery delivery = {0};
    seen s = {0};
    assert_int_equal(acurast__delivery_set_callback(&delivery, see, &s, see_end), ACURAST_OK);
    counted_event event = make_event(ACURAST_EVENT_OUTCOME);
    event.event.view.token = 77;
    acurast__delivery_post(&delivery, &event.event);
    assert_int_equal(s.calls, 1);
    assert_int_equal(event.releases, 1);
    assert_int_equal(s.last.token, 77);
    acurast_event_view view = acurast__event_view(ACURAST_EVENT_LOG);
    view.text = "said";
    assert_true(acurast__delivery_view(&delivery, &view));
    assert_int_equal(s.calls, 2);
    assert_ptr_equal(s.last.text, view.text);
    acurast__delivery_end(&delivery);
    acurast__delivery_end(&delivery);
    assert_int_equal(s.ended, 1);
}

static void test_a_way_is_chosen_once(void **state)
{
    (void)state;
    acurast_queue *queue = make_queue();
    acurast__delivery by_callback = {0}, by_queue = {0};
    assert_int_equal(acurast__delivery_set_callback(&by_callback, NULL, NULL, NULL), ACURAST_INVALID);
    assert_int_equal(acurast__delivery_set_queue(&by_queue, NULL, 1), ACURAST_INVALID);
    assert_int_equal(acurast__delivery_set_callback(&by_callback, see, NULL, NULL), ACURAST_OK);
    assert_int_equal(acurast__delivery_set_queue(&by_queue, queue, 1), ACURAST_OK);
    assert_int_equal(acurast__delivery_set_callback(&by_callback, see, NULL, NULL), ACURAST_BAD_STATE);
    assert_int_equal(acurast__delivery_set_queue(&by_callback, queue, 1), ACURAST_BAD_STATE);
    assert_int_equal(acurast__delivery_set_callback(&by_queue, see, NULL, NULL), ACURAST_BAD_STATE);
    assert_int_equal(acurast__delivery_set_queue(&by_queue, queue, 1), ACURAST_BAD_STATE);
    acurast__delivery_end(&by_callback);
    acurast__delivery_end(&by_queue);
    acurast_queue_release(queue);
}

static void test_a_queue_gets_the_posted_event_itself(void **state)
{
    (void)state;
    acurast_queue *queue = make_queue();
    acurast__delivery delivery = {0};
    assert_int_equal(acurast__delivery_set_queue(&delivery, queue, 42), ACURAST_OK);
    counted_event event = make_event(ACURAST_EVENT_OUTCOME);
    event.event.view.operation = 5;
    acurast__delivery_post(&delivery, &event.event);
    assert_int_equal(event.releases, 0);
    acurast_event_view view = take_one(queue);
    assert_int_equal(view.source, 42);
    assert_int_equal(view.operation, 5);
    assert_int_equal(event.releases, 0);
    assert_int_equal(acurast_queue_done(queue), ACURAST_OK);
    assert_int_equal(event.releases, 1);
    acurast__delivery_end(&delivery);
    acurast_queue_release(queue);
}

static void test_a_queue_gets_a_copy_of_a_view(void **state)
{
    (void)state;
    acurast_queue *queue = make_queue();
    acurast__delivery delivery = {0};
    assert_int_equal(acurast__delivery_set_queue(&delivery, queue, 7), ACURAST_OK);
    uint8_t sender[16], recipient[16], payload[1000];
    char text[] = "a text";
    memset(sender, 1, sizeof(sender));
    memset(recipient, 2, sizeof(recipient));
    memset(payload, 3, sizeof(payload));
    acurast_event_view view = acurast__event_view(ACURAST_EVENT_PAYLOAD);
    view.sender = sender;
    view.recipient = recipient;
    view.payload = payload;
    view.payload_size = sizeof(payload);
    view.text = text;
    view.close_code = 4001;
    assert_true(acurast__delivery_view(&delivery, &view));
    memset(sender, 0, sizeof(sender));
    memset(recipient, 0, sizeof(recipient));
    memset(payload, 0, sizeof(payload));
    text[0] = 'X';
    acurast_event_view taken = take_one(queue);
    assert_int_equal(taken.source, 7);
    assert_int_equal(taken.close_code, 4001);
    assert_int_equal(taken.payload_size, 1000);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(taken.payload[i], 3);
    for (size_t i = 0; i < 16; i++)
        assert_true(taken.sender[i] == 1 && taken.recipient[i] == 2);
    assert_string_equal(taken.text, "a text");
    acurast__delivery_end(&delivery);
    acurast_queue_release(queue);
}

static void test_an_empty_payload_is_not_null_and_absent_parts_are(void **state)
{
    (void)state;
    acurast_queue *queue = make_queue();
    acurast__delivery delivery = {0};
    assert_int_equal(acurast__delivery_set_queue(&delivery, queue, 7), ACURAST_OK);
    acurast_event_view view = acurast__event_view(ACURAST_EVENT_PAYLOAD);
    assert_true(acurast__delivery_view(&delivery, &view));
    acurast_event_view taken = take_one(queue);
    assert_non_null(taken.payload);
    assert_int_equal(taken.payload_size, 0);
    assert_null(taken.sender);
    assert_null(taken.recipient);
    assert_string_equal(taken.text, "");
    acurast__delivery_end(&delivery);
    acurast_queue_release(queue);
}

static void test_without_memory_a_view_is_lost_and_said_to_be(void **state)
{
    (void)state;
    acurast_queue *queue = make_queue();
    acurast__delivery delivery = {0};
    assert_int_equal(acurast__delivery_set_queue(&delivery, queue, 7), ACURAST_OK);
    acurast_event_view view = acurast__event_view(ACURAST_EVENT_PAYLOAD);
    acurast__memory_fail_at(1);
    assert_false(acurast__delivery_view(&delivery, &view));
    view.payload_size = SIZE_MAX - 10;
    assert_false(acurast__delivery_view(&delivery, &view));
    view.payload_size = 0;
    assert_true(acurast__delivery_view(&delivery, &view));
    assert_int_equal(take_one(queue).type, ACURAST_EVENT_PAYLOAD);
    acurast__delivery_end(&delivery);
    acurast_queue_release(queue);
}

static void test_a_released_queue_drops_what_still_comes(void **state)
{
    (void)state;
    acurast_queue *queue = make_queue();
    acurast__delivery delivery = {0};
    assert_int_equal(acurast__delivery_set_queue(&delivery, queue, 7), ACURAST_OK);
    acurast_queue_release(queue);
    assert_int_equal(acurast_live_objects(), live_before + 1);
    counted_event event = make_event(ACURAST_EVENT_OUTCOME);
    acurast__delivery_post(&delivery, &event.event);
    assert_int_equal(event.releases, 1);
    acurast_event_view view = acurast__event_view(ACURAST_EVENT_PAYLOAD);
    assert_true(acurast__delivery_view(&delivery, &view));
    acurast__delivery_end(&delivery);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_view_says_nothing),
        cmocka_unit_test_setup_teardown(test_without_a_way_events_are_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_callback_sees_events_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_way_is_chosen_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_queue_gets_the_posted_event_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_queue_gets_a_copy_of_a_view, setup, teardown),
        cmocka_unit_test_setup_teardown(test_log_lines_are_dropped_where_nobody_takes_them, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_empty_payload_is_not_null_and_absent_parts_are, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_memory_a_view_is_lost_and_said_to_be, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_released_queue_drops_what_still_comes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
