/* Forks are noticed, I/O threads are marked, time goes forward, the version and the statuses are those of the headers. */
#include "base/process.h"

#include "base/clock.h"
#include "support/unit.h"

#include <acurast/status.h>
#include <acurast/version.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pthread.h>

static int exit_code_of(pid_t child)
{
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* 0 where the child and its own child see that they are others. */
static int in_child(unsigned parent)
{
    unsigned mine = acurast__process_generation();
    if (!acurast__forked(parent) || acurast__forked(mine))
        return 1;
    pid_t child = fork();
    if (child == 0)
        _exit(acurast__forked(mine) && acurast__forked(parent) ? 0 : 1);
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

static void test_a_child_knows_that_it_is_one(void **state)
{
    (void)state;
    unsigned generation = acurast__process_generation();
    assert_false(acurast__forked(generation));
    pid_t child = fork();
    if (child == 0)
        _exit(in_child(generation));
    assert_int_equal(exit_code_of(child), 0);
    assert_false(acurast__forked(generation));
}

static void *mark_and_ask(void *marked)
{
    bool before = acurast__on_io_thread();
    acurast__io_thread_mark(0);
    *(bool *)marked = !before && acurast__on_io_thread();
    return NULL;
}

static void *note_mask(void *mask)
{
    pthread_sigmask(SIG_SETMASK, NULL, mask);
    return NULL;
}

static void test_a_thread_of_ours_takes_no_signal_but_its_own_faults(void **state)
{
    (void)state;
    sigset_t mine, before, after;
    pthread_t thread;
    sigemptyset(&mine);
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_true(acurast__thread_start(&thread, note_mask, &mine));
    pthread_join(thread, NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_true(sigismember(&mine, SIGINT) && sigismember(&mine, SIGTERM) && sigismember(&mine, SIGPIPE));
    assert_false(sigismember(&mine, SIGSEGV) || sigismember(&mine, SIGABRT));
    assert_int_equal(sigismember(&before, SIGINT), sigismember(&after, SIGINT));
}

static void test_only_the_marked_thread_is_an_io_thread(void **state)
{
    (void)state;
    bool marked = false;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, mark_and_ask, &marked), 0);
    pthread_join(thread, NULL);
    assert_true(marked);
    assert_false(acurast__on_io_thread());
}

static void test_the_clock_goes_forward(void **state)
{
    (void)state;
    uint64_t us = acurast__clock_us();
    uint64_t ms = acurast__clock_ms();
    assert_true(ms >= us / 1000);
    while (acurast__clock_us() == us)
        ;
    assert_true(acurast__clock_us() > us);
    assert_true(acurast__clock_ms() - ms < 60000);
}

static void test_the_version_is_that_of_the_header(void **state)
{
    (void)state;
    char text[32];
    int number = acurast_version_number();
    assert_int_equal(number, ACURAST_VERSION_NUMBER);
    snprintf(text, sizeof(text), "%d.%d.%d", number / 10000, number / 100 % 100, number % 100);
    assert_string_equal(acurast_version(), text);
    assert_string_equal(acurast_version(), ACURAST_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_child_knows_that_it_is_one),
        cmocka_unit_test(test_a_thread_of_ours_takes_no_signal_but_its_own_faults),
        cmocka_unit_test(test_only_the_marked_thread_is_an_io_thread),
        cmocka_unit_test(test_the_clock_goes_forward),
        cmocka_unit_test(test_the_version_is_that_of_the_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
