/*
 * Who asks in the rows of requests, in C: by acurast_client_request(), and by hand. All of it happens in callbacks on one I/O thread; the main
 * thread begins and ends each step. A step keeps so many requests open for MS milliseconds, and prints a line of JSON. Its processor time is
 * that of this process.
 *
 *   bench_asker URL MS WAYS ROWS ID...
 *
 * WAYS is request,hand or hand,request: the order. ROWS are of 1, 32 (in flight), absent, many. The first id answers, all do in `many`.
 */
#include "by_hand.h"
#include "client.h"
#include "gauge.h"
#include "histogram.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    WARM_UP_MS = 50,
    MAX_COUNT = 1000,
    NEED = 3,
    ENOUGH = 20,
    MORE_TIMES = 20, /* on a machine that is busy with something else */
};

static const char METHOD[] = "price", PARAMS[] = "{\"pair\":\"EUR/CHF\"}";

static acurast_client *asking, *by_hand;
static uint8_t ids[MAX_COUNT][ACURAST_ID_SIZE];
static size_t count;

/* The step that runs. Its requests begin and end on the I/O thread, but for the first ones. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static void (*ask)(void);
static long in_flight;
static bool measuring, stopping;
static bench_histogram times;

/* One is over, and the next begins. */
static void over(uint64_t begun)
{
    pthread_mutex_lock(&lock);
    if (measuring)
        histogram_add(&times, gauge_now() - begun);
    bool more = !stopping;
    if (!more && --in_flight == 0)
        pthread_cond_signal(&ended);
    pthread_mutex_unlock(&lock);
    if (more)
        ask();
}

static void on_asking_event(void *user, const acurast_event_view *event)
{
    (void)user;
    if (event->type != ACURAST_EVENT_REPLY && event->type != ACURAST_EVENT_ANSWERS)
        return;
    if (event->status != ACURAST_OK && event->status != ACURAST_NOT_HERE)
        client_check(event->status, "reply");
    over(event->token);
}

static void request(const uint8_t *recipient)
{
    const acurast_request_params settings = {.size = sizeof settings, .token = gauge_now(), .timeout_ms = 2000};
    client_check(
        acurast_client_request(asking, recipient, ACURAST_ID_SIZE, METHOD, PARAMS, sizeof PARAMS - 1, &settings, NULL),
        "request");
}

static void request_one(void)
{
    request(ids[0]);
}

static void request_nobody(void)
{
    uint8_t nobody[ACURAST_ID_SIZE];
    randombytes_buf(nobody, sizeof nobody);
    request(nobody);
}

static void request_many(void)
{
    const acurast_many_params settings = {
        .size = sizeof settings, .token = gauge_now(), .timeout_ms = 2000, .need = NEED, .agree = 1};
    client_check(acurast_client_request_many(asking, ids[0], count, METHOD, PARAMS, sizeof PARAMS - 1, &settings, NULL),
                 "request many");
}

static void on_answer(uint64_t token, const uint8_t *sender, const char *said)
{
    (void)sender;
    (void)said;
    over(token);
}

static void ask_by_hand(void)
{
    if (!by_hand_ask(by_hand, ids[0], METHOD, PARAMS, on_answer, gauge_now()))
        client_check(ACURAST_OUTBOX_FULL, "asking by hand");
}

/* One to many is under way at a time, so that what it has found is here; the late answers to the last one count for nothing. */
static struct {
    uint64_t begun;
    struct {
        char said[32];
        size_t votes;
    } found[MAX_COUNT];
} poll;

static void on_vote(uint64_t token, const uint8_t *sender, const char *said)
{
    (void)sender;
    if (token != poll.begun)
        return;
    size_t i = 0;
    while (poll.found[i].votes && strcmp(poll.found[i].said, said) != 0)
        i++;
    (void)snprintf(poll.found[i].said, sizeof poll.found[i].said, "%s", said);
    if (++poll.found[i].votes < NEED)
        return;
    poll.begun = 0;
    over(token);
}

static void ask_many_by_hand(void)
{
    memset(&poll, 0, sizeof poll);
    uint64_t begun = poll.begun = gauge_now();
    for (size_t i = 0; i < count; i++)
        if (!by_hand_ask(by_hand, ids[i], METHOD, PARAMS, on_vote, begun))
            client_check(ACURAST_OUTBOX_FULL, "asking by hand");
}

static void set(bool *flag, bool value)
{
    pthread_mutex_lock(&lock);
    *flag = value;
    pthread_mutex_unlock(&lock);
}

static uint64_t samples(void)
{
    pthread_mutex_lock(&lock);
    uint64_t total = times.total;
    pthread_mutex_unlock(&lock);
    return total;
}

/* Ends the step: waits for what is open, so that it does not count in the next. */
static void finish(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += CLIENT_WAIT_MS / 1000;
    pthread_mutex_lock(&lock);
    stopping = true;
    while (in_flight > 0)
        if (pthread_cond_timedwait(&ended, &lock, &until) != 0)
            client_check(ACURAST_TIMEOUT, "no answer");
    stopping = false;
    pthread_mutex_unlock(&lock);
}

static void step(const char *row, const char *way, void (*how)(void), long window, long ms)
{
    uint64_t before = 0, after = 0;
    ask = how;
    in_flight = window;
    for (long i = 0; i < window; i++)
        ask();
    gauge_sleep(WARM_UP_MS);
    gauge_cpu(0, &before);
    uint64_t begin = gauge_now();
    set(&measuring, true);
    gauge_sleep(ms);
    for (int more = 0; more < MORE_TIMES && samples() < ENOUGH; more++)
        gauge_sleep(ms);
    set(&measuring, false);
    double seconds = (double)(gauge_now() - begin) / 1e9;
    gauge_cpu(0, &after);
    finish();
    if (times.total == 0)
        client_check(ACURAST_TIMEOUT, row);
    printf("{\"row\": \"%s\", \"way\": \"%s\", \"cpu_us\": %.4f, \"rate\": %.1f, \"p50_us\": %.2f, \"p99_us\": %.2f}\n",
           row, way, (double)(after - before) / 1e3 / (double)times.total, (double)times.total / seconds,
           (double)histogram_quantile(&times, 0.5) / 1e3, (double)histogram_quantile(&times, 0.99) / 1e3);
    fflush(stdout);
    memset(&times, 0, sizeof times);
}

static void run(const char *row, bool hand, long ms)
{
    const char *way = hand ? "hand" : "request";
    if (strcmp(row, "many") == 0)
        step(row, way, hand ? ask_many_by_hand : request_many, 1, ms);
    else if (strcmp(row, "absent") == 0)
        step(row, way, hand ? ask_by_hand : request_nobody, 1, ms);
    else
        step(row, way, hand ? ask_by_hand : request_one, strtol(row, NULL, 10), ms);
}

int main(int argc, char **argv)
{
    if (argc < 6 || argc - 5 > MAX_COUNT || sodium_init() < 0) {
        fputs("usage: bench_asker URL MS WAYS ROWS ID...\n", stderr);
        return 2;
    }
    for (; argv[5 + count]; count++)
        client_check(acurast_id_of(argv[5 + count], strlen(argv[5 + count]), ids[count]), argv[5 + count]);
    bool hand_first = strcmp(argv[3], "hand,request") == 0;
    acurast_context *context = NULL;
    client_check(acurast_context_create(NULL, &context), "context");
    asking = client_open(context, argv[1], on_asking_event);
    by_hand = client_open(context, argv[1], by_hand_event);
    char *rest = NULL;
    for (const char *row = strtok_r(argv[4], ",", &rest); row; row = strtok_r(NULL, ",", &rest))
        for (int turn = 0; turn < 2; turn++)
            run(row, (turn == 0) == hand_first, strtol(argv[2], NULL, 10));
    client_end(context);
    acurast_client_release(asking);
    acurast_client_release(by_hand);
    acurast_context_release(context);
    return 0;
}
