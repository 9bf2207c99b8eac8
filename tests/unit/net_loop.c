/* An I/O thread by itself: tasks, timers, hooks, jobs on other threads, and its end. */
#ifdef __linux__
#define _GNU_SOURCE /* unshare */ // NOLINT(bugprone-reserved-identifier)
#include <sched.h>
#endif

#include "support/net_world.h"

#include "net/worker.h"

#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static acurast__loop *start(void (*ended)(void *user), void *user)
{
    acurast__loop *loop;
    acurast__loop_config config = {.index = 5, .ended = ended, .user = user};
    assert_int_equal(acurast__loop_start(&config, &loop), ACURAST_OK);
    assert_int_equal(acurast__loop_index(loop), 5);
    assert_false(acurast__loop_is_current(loop));
    return loop;
}

static void stop(acurast__loop *loop)
{
    acurast__loop_stop(loop);
    acurast__loop_join(loop);
}

/* ---- without descriptors: the first test, since libuv opens some for the process with its first loop ---- */

static void without_descriptors_there_is_an_error(void **state)
{
    acurast__loop_config config = {0};
    acurast__loop *loop;
    struct rlimit before;
    acurast_status status;
    unsigned more = 0;
    (void)state;
    int next = dup(0);
    close(next);
    getrlimit(RLIMIT_NOFILE, &before);
    size_t descriptors = count_descriptors();
    do {
        struct rlimit few = {.rlim_cur = (rlim_t)next + more++, .rlim_max = before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        status = acurast__loop_start(&config, &loop);
        setrlimit(RLIMIT_NOFILE, &before);
        if (status != ACURAST_OK)
            assert_int_equal(count_descriptors(), descriptors);
    } while (status == ACURAST_SYSTEM && more < 64);
    assert_int_equal(status, ACURAST_OK);
    assert_true(more > 4);
    stop(loop);
}

/* ---- tasks ---- */

typedef struct counted {
    acurast__task task;
    acurast__loop *loop;
    unsigned number;
    struct posters *posters;
} counted;

typedef struct posters {
    acurast__loop *loop;
    unsigned next[4]; /* the loop's thread */
    signal_box done;
    counted tasks[4][1000];
} posters;

static void on_counted(acurast__task *task)
{
    counted *c = ACURAST__CONTAINER(task, counted, task);
    size_t who = (size_t)(c - c->posters->tasks[0]) / 1000;
    assert_true(acurast__loop_is_current(c->loop));
    assert_int_equal(c->number, c->posters->next[who]++);
    if (c->number == 999)
        box_tell(&c->posters->done);
}

typedef struct poster {
    posters *all;
    size_t who;
} poster;

static void *post_thousand(void *argument)
{
    poster *p = argument;
    for (unsigned i = 0; i < 1000; i++) {
        counted *c = &p->all->tasks[p->who][i];
        *c = (counted){.task = {.run = on_counted}, .loop = p->all->loop, .number = i, .posters = p->all};
        acurast__loop_post(p->all->loop, &c->task);
    }
    return NULL;
}

static void tasks(void)
{
    static posters all;
    poster each[4];
    pthread_t threads[4];
    memset(&all, 0, sizeof all);
    box_init(&all.done);
    all.loop = start(NULL, NULL);
    for (size_t i = 0; i < 4; i++) {
        each[i] = (poster){&all, i};
        pthread_create(&threads[i], NULL, post_thousand, &each[i]);
    }
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    box_await(&all.done, 4);
    stop(all.loop);
}

static void tasks_of_a_thread_run_in_its_order(void **state)
{
    (void)state;
    tasks();
}

typedef struct chain_of_tasks {
    acurast__task task;
    acurast__loop *loop;
    unsigned left;
    signal_box done;
} chain_of_tasks;

static void count_up(acurast__task *task)
{
    chain_of_tasks *c = ACURAST__CONTAINER(task, chain_of_tasks, task);
    if (c->left-- == 0)
        box_tell(&c->done);
    else
        acurast__loop_post(c->loop, task);
}

static void tasks_posting_tasks(void)
{
    chain_of_tasks c = {.task = {.run = count_up}, .left = 1000};
    box_init(&c.done);
    c.loop = start(NULL, NULL);
    acurast__loop_post(c.loop, &c.task);
    acurast__loop_stop(c.loop); /* what was posted before still runs, and what that posts */
    acurast__loop_join(c.loop);
    assert_int_equal(c.done.count, 1);
}

static void whatever_was_posted_before_the_end_runs(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        tasks_posting_tasks();
}

/* ---- timers ---- */

typedef struct alarm_clock {
    acurast__timer timer;
    acurast__loop *loop;
    uint64_t started, fired;
    uint32_t delay;
    signal_box box;
} alarm_clock;

static void on_alarm(acurast__timer *timer)
{
    alarm_clock *a = ACURAST__CONTAINER(timer, alarm_clock, timer);
    a->fired = acurast__clock_ms();
    box_tell(&a->box);
}

static void set_alarm(void *argument)
{
    alarm_clock *a = argument;
    a->started = acurast__clock_ms();
    acurast__loop_timer_start(a->loop, &a->timer, a->delay);
}

static void stop_alarm(void *argument)
{
    alarm_clock *a = argument;
    acurast__loop_timer_stop(a->loop, &a->timer);
}

static void timers(void)
{
    static const uint32_t delays[] = {0, 1, 15, 16, 17, 50, 120};
    alarm_clock alarms[ARRAY_SIZE(delays)], never;
    acurast__loop *loop = start(NULL, NULL);
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL); /* its idea of the time is old now */
    acurast__timer_init(&never.timer, on_alarm);
    never.loop = loop;
    never.delay = 40;
    box_init(&never.box);
    world_run(loop, set_alarm, &never);
    for (size_t i = 0; i < ARRAY_SIZE(delays); i++) {
        alarm_clock *a = &alarms[i];
        acurast__timer_init(&a->timer, on_alarm);
        a->loop = loop;
        a->delay = delays[i];
        box_init(&a->box);
        world_run(loop, set_alarm, a);
    }
    world_run(loop, stop_alarm, &never);
    for (size_t i = 0; i < ARRAY_SIZE(delays); i++) {
        alarm_clock *a = &alarms[i];
        box_await(&a->box, 1);
        assert_true(a->fired + 1 >= a->started + a->delay); /* two clocks read one after the other */
        assert_true(a->fired < a->started + a->delay + 1000);
    }
    assert_int_equal(never.box.count, 0);
    stop(loop);
}

static void timers_fire_in_time_and_not_before(void **state)
{
    (void)state;
    timers();
}

static size_t cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (size_t)t.tv_sec * 1000 + (size_t)t.tv_nsec / 1000000;
}

/* ---- hooks ---- */

typedef struct hooked {
    acurast__loop_hook hook;
    acurast__loop *loop;
    unsigned runs, wanted;
    signal_box box;
} hooked;

static bool on_turn(acurast__loop_hook *hook)
{
    hooked *h = ACURAST__CONTAINER(hook, hooked, hook);
    if (++h->runs == h->wanted)
        box_tell(&h->box);
    return h->runs < h->wanted;
}

static void add_hook(void *argument)
{
    hooked *h = argument;
    acurast__loop_hook_add(h->loop, &h->hook);
}

static void remove_hook(void *argument)
{
    hooked *h = argument;
    acurast__loop_hook_remove(h->loop, &h->hook);
}

static void do_nothing(void *argument)
{
    (void)argument;
}

static void hooks(void)
{
    hooked h = {.hook = {.run = on_turn}, .wanted = 1000};
    box_init(&h.box);
    h.loop = start(NULL, NULL);
    acurast__list_init(&h.hook.link);
    world_run(h.loop, add_hook, &h);
    box_await(&h.box, 1); /* a thousand turns with nothing else to do */
    size_t before = cpu_ms();
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    assert_true(cpu_ms() - before < 100); /* then it sleeps */
    world_run(h.loop, remove_hook, &h);
    unsigned runs = h.runs;
    world_run(h.loop, do_nothing, NULL);
    assert_int_equal(h.runs, runs);
    stop(h.loop);
}

static void a_hook_runs_again_as_long_as_it_wants_and_no_longer(void **state)
{
    (void)state;
    hooks();
}

/* ---- jobs ---- */

typedef struct work {
    acurast__job job;
    acurast__loop *loop;
    atomic_uint *running, *most;
    bool worked, cancel;
    signal_box *done;
} work;

static void do_work(acurast__job *job)
{
    work *w = ACURAST__CONTAINER(job, work, job);
    assert_false(acurast__loop_is_current(w->loop));
    unsigned now = atomic_fetch_add(w->running, 1) + 1;
    unsigned most = atomic_load(w->most);
    while (now > most && !atomic_compare_exchange_weak(w->most, &most, now))
        continue;
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    atomic_fetch_sub(w->running, 1);
    w->worked = true;
}

static void on_worked(acurast__job *job)
{
    work *w = ACURAST__CONTAINER(job, work, job);
    assert_true(acurast__loop_is_current(w->loop));
    box_tell(w->done);
}

static void submit(void *argument)
{
    work *w = argument;
    unsigned before = box_count(w->done);
    acurast__worker_submit(w->loop, &w->job);
    assert_int_equal(box_count(w->done), before); /* never within the call */
    if (w->cancel)
        atomic_store(&w->job.cancelled, true);
}

static void jobs(void)
{
    enum {
        COUNT = 40
    };
    static work works[COUNT];
    static atomic_uint running, most;
    signal_box done;
    box_init(&done);
    atomic_store(&most, 0);
    size_t threads = count_threads();
    acurast__loop *loop = start(NULL, NULL);
    for (size_t i = 0; i < COUNT; i++) {
        works[i] = (work){.job = {.work = do_work, .done = on_worked},
                          .loop = loop,
                          .running = &running,
                          .most = &most,
                          .cancel = i >= COUNT - 5,
                          .done = &done};
        world_run(loop, submit, &works[i]);
    }
    stop(loop); /* waits for the jobs */
    assert_int_equal(done.count, COUNT);
    assert_true(atomic_load(&most) <= ACURAST__WORKERS_PER_LOOP);
    for (size_t i = 0; i < COUNT - 5; i++)
        assert_true(works[i].worked);
    uint64_t until = acurast__clock_ms() + 20000;
    while (count_threads() > threads && acurast__clock_ms() < until)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_int_equal(count_threads(), threads);
}

static void jobs_run_elsewhere_a_few_at_a_time_and_are_told_once(void **state)
{
    (void)state;
    jobs();
}

/* ---- the end ---- */

static void on_ended(void *user)
{
    box_tell(user);
}

static void ends(void)
{
    signal_box ended;
    box_init(&ended);
    for (unsigned i = 1; i <= 30; i++) {
        acurast__loop *loop = start(on_ended, &ended);
        acurast__loop_stop(loop);
        if (i % 2)
            acurast__loop_join(loop);
        else
            acurast__loop_detach(loop);
    }
    box_await(&ended, 30);
}

static void a_loop_may_be_joined_or_left_to_itself(void **state)
{
    (void)state;
    size_t descriptors = count_descriptors(), threads = count_threads();
    ends();
    uint64_t until = acurast__clock_ms() + 20000;
    while ((count_threads() > threads || count_descriptors() > descriptors) && acurast__clock_ms() < until)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_int_equal(count_threads(), threads);
    assert_int_equal(count_descriptors(), descriptors);
}

/* ---- where there is no /dev ---- */

#ifdef __linux__

enum {
    DONE,
    NOT_ALLOWED,
    NO_LOOP
};

/* In a child of one thread, which alone may be put into a namespace of its own. */
static int start_in_an_empty_folder(const char *folder)
{
    acurast__loop *loop;
    if ((geteuid() != 0 && unshare(CLONE_NEWUSER) != 0) || chroot(folder) != 0 || chdir("/") != 0)
        return NOT_ALLOWED;
    if (acurast__loop_start(&(acurast__loop_config){0}, &loop) != ACURAST_OK)
        return NO_LOOP;
    stop(loop);
    return DONE;
}

static void a_loop_needs_no_file_system(void **state)
{
    char folder[] = "/tmp/acurast-empty-XXXXXX";
    int status;
    (void)state;
    assert_non_null(mkdtemp(folder));
    pid_t child = fork();
    if (!child)
        _exit(start_in_an_empty_folder(folder));
    assert_int_equal(waitpid(child, &status, 0), child);
    rmdir(folder);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NOT_ALLOWED) {
        print_message("chroot() is not allowed here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), DONE);
}

#else

static void a_loop_needs_no_file_system(void **state)
{
    (void)state;
    print_message("only Linux lets everybody try that\n");
    skip();
}

#endif

static int begin(void **state)
{
    world w;
    (void)state;
    world_open(&w, &(world_options){0});
    world_close(&w);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_descriptors_there_is_an_error),
        cmocka_unit_test(tasks_of_a_thread_run_in_its_order),
        cmocka_unit_test(whatever_was_posted_before_the_end_runs),
        cmocka_unit_test(timers_fire_in_time_and_not_before),
        cmocka_unit_test(a_hook_runs_again_as_long_as_it_wants_and_no_longer),
        cmocka_unit_test(jobs_run_elsewhere_a_few_at_a_time_and_are_told_once),
        cmocka_unit_test(a_loop_may_be_joined_or_left_to_itself),
        cmocka_unit_test(a_loop_needs_no_file_system),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
