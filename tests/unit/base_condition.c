/* Waiting with a deadline: not for longer, not for shorter, and not at all once it has passed. */
#include "base/clock.h"
#include "base/condition.h"
#include "support/unit.h"

typedef struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
} gate;

static void gate_init(gate *g)
{
    pthread_mutex_init(&g->lock, NULL);
    acurast__condition_init(&g->changed);
    g->open = false;
}

static void gate_clear(gate *g)
{
    pthread_cond_destroy(&g->changed);
    pthread_mutex_destroy(&g->lock);
}

static bool gate_await(gate *g, uint64_t deadline)
{
    pthread_mutex_lock(&g->lock);
    while (!g->open && acurast__condition_wait(&g->changed, &g->lock, deadline))
        continue;
    bool open = g->open;
    pthread_mutex_unlock(&g->lock);
    return open;
}

static void *open_gate(void *argument)
{
    gate *g = argument;
    pthread_mutex_lock(&g->lock);
    g->open = true;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

static void a_wait_ends_at_its_deadline_and_not_before(void **state)
{
    (void)state;
    gate g;
    gate_init(&g);
    uint64_t begin = acurast__clock_ms();
    assert_false(gate_await(&g, acurast__deadline_in(30)));
    assert_true(acurast__clock_ms() - begin >= 30);
    assert_false(gate_await(&g, begin)); /* long ago: at once */
    gate_clear(&g);
}

static void a_signal_ends_a_wait(void **state)
{
    (void)state;
    static const int timeouts[] = {-1, 60000};
    for (size_t i = 0; i < sizeof timeouts / sizeof *timeouts; i++) {
        gate g;
        pthread_t opener;
        gate_init(&g);
        assert_int_equal(pthread_create(&opener, NULL, open_gate, &g), 0);
        assert_true(gate_await(&g, acurast__deadline_in(timeouts[i])));
        pthread_join(opener, NULL);
        gate_clear(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_ends_at_its_deadline_and_not_before),
        cmocka_unit_test(a_signal_ends_a_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
