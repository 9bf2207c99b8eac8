/*
 * For targets that drive a loop through a socket: bytes go in by slices, and after each slice the loop has to turn. A turn that takes more
 * than 100 ms of processor time is a finding, and so are a loop that does not turn at all and one that spins: then the process aborts.
 *
 * Processor time, so that a busy machine finds nothing; waiting is bounded by ten seconds.
 */
#ifndef TESTS_FUZZ_TURNS_H
#define TESTS_FUZZ_TURNS_H

#include "fuzz.h"

#include "base/clock.h"
#include "base/memory.h"
#include "net/loop.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TURN_US 100000
#define TURNS_MAX 10000 /* between two looks of the target, which wait for nothing */
#define STUCK_SECONDS 10

typedef struct turns_watch {
    acurast__loop *loop;
    acurast__task task;
    void (*act)(void *argument); /* on the loop; NULL: nothing */
    void *argument;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    acurast__loop_hook hook; /* the loop's, like what follows */
    uint64_t spent;          /* processor time of the loop's thread up to the last turn, in microseconds */
    unsigned turns;          /* since the last task */
} turns_watch;

static uint64_t turns_processor_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static bool turns_on_turn(acurast__loop_hook *hook)
{
    turns_watch *watch = ACURAST__CONTAINER(hook, turns_watch, hook);
    uint64_t now = turns_processor_us();
    if (now - watch->spent > TURN_US) {
        (void)fprintf(stderr, "a turn of %llu us\n", (unsigned long long)(now - watch->spent));
        abort();
    }
    if (++watch->turns > TURNS_MAX) {
        (void)fprintf(stderr, "the loop spins\n");
        abort();
    }
    watch->spent = now;
    return false;
}

static void turns_on_task(acurast__task *task)
{
    turns_watch *watch = ACURAST__CONTAINER(task, turns_watch, task);
    if (watch->act)
        watch->act(watch->argument);
    watch->turns = 0;
    pthread_mutex_lock(&watch->lock);
    watch->done = true;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
}

/* Runs `act` on the loop's thread and waits for it. */
static inline void turns_run(turns_watch *watch, void (*act)(void *argument), void *argument)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STUCK_SECONDS;
    watch->act = act;
    watch->argument = argument;
    watch->done = false;
    acurast__loop_post(watch->loop, &watch->task);
    pthread_mutex_lock(&watch->lock);
    while (!watch->done && pthread_cond_timedwait(&watch->changed, &watch->lock, &until) == 0)
        ;
    if (!watch->done) {
        (void)fprintf(stderr, "the loop does not turn\n");
        abort();
    }
    pthread_mutex_unlock(&watch->lock);
}

/* The loop has seen whatever was written before: the second turn began after the first had ended. */
static inline void turns_check(turns_watch *watch)
{
    turns_run(watch, NULL, NULL);
    turns_run(watch, NULL, NULL);
}

static void turns_begin(void *argument)
{
    turns_watch *watch = argument;
    watch->spent = turns_processor_us();
    acurast__loop_hook_add(watch->loop, &watch->hook);
}

static void turns_end(void *argument)
{
    turns_watch *watch = argument;
    acurast__loop_hook_remove(watch->loop, &watch->hook);
}

static inline void turns_init(turns_watch *watch, acurast__loop *loop)
{
    *watch = (turns_watch){.loop = loop, .task = {.run = turns_on_task}, .hook = {.run = turns_on_turn}};
    acurast__list_init(&watch->hook.link);
    pthread_mutex_init(&watch->lock, NULL);
    pthread_cond_init(&watch->changed, NULL);
    turns_run(watch, turns_begin, watch);
}

/* Before the loop ends. */
static inline void turns_over(turns_watch *watch)
{
    turns_run(watch, turns_end, watch);
}

/* What the other end of a socket has said so far. */
typedef struct turns_heard {
    uint8_t bytes[65536];
    size_t size;
} turns_heard;

/* Takes what has come; what does not fit is thrown away. */
static inline void turns_hear(int socket, turns_heard *heard)
{
    static uint8_t rest[65536];
    ssize_t n;
    do {
        bool room = heard->size < sizeof heard->bytes;
        n = room ? recv(socket, heard->bytes + heard->size, sizeof heard->bytes - heard->size, MSG_DONTWAIT)
                 : recv(socket, rest, sizeof rest, MSG_DONTWAIT);
        if (n > 0 && room)
            heard->size += (size_t)n;
    } while (n > 0);
}

/*
 * Says `bytes` in slices whose lengths follow from `seed` (0: in one piece), and hears what comes. Bytes that the other end does not take
 * are not said.
 */
static inline void turns_talk(turns_watch *watch, int socket, uint8_t seed, const uint8_t *bytes, size_t size,
                              turns_heard *heard)
{
    uint32_t state = seed;
    while (size) {
        state = state * 1664525 + 1013904223;
        size_t slice = seed ? 1 + (state >> 16) % (1 + seed) : size;
        if (slice > size)
            slice = size;
        if (send(socket, bytes, slice, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
            return;
        bytes += slice;
        size -= slice;
        turns_check(watch);
        turns_hear(socket, heard);
    }
}

#endif
