/*
 * Request and reply of NATS by nats.c, the yardstick of the field. One asks as the manual says, by natsConnection_Request(); many at once are
 * published with an inbox of their own each below one subscription, whose callback sends the next: nats.c has no request that does not wait.
 *
 *   bench_nats answer URL             prints "ready", and answers until it is ended
 *   bench_nats ask URL MS MODE ROWS   ROWS are numbers of requests in flight; a line of JSON each, as bench_asker
 *
 * MODE is asap or batched, for both ends: nats.c writes what it publishes at once, or hands it to a thread that waits a millisecond for more.
 * The one is quicker alone, the other cheaper in numbers.
 */
#include "gauge.h"
#include "histogram.h"

#include <nats/nats.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WAIT_MS = 10000,
    WARM_UP_MS = 50,
    MOST_OPEN = 1024,
};

static const char PARAMS[] = "{\"pair\":\"EUR/CHF\"}", RESULT[] = "{\"pair\":\"EUR/CHF\",\"price\":0.94}";

static natsConnection *connection;
static const char *mode; /* of who asks; and its subject */
static char inbox[64];
static atomic_bool measuring, stopping;
static atomic_long in_flight;
static uint64_t begun[MOST_OPEN];
static bench_histogram times; /* of the thread that hears of answers */

static void check(natsStatus status, const char *what)
{
    if (status == NATS_OK)
        return;
    fprintf(stderr, "bench_nats: %s: %s\n", what, natsStatus_GetText(status));
    exit(2);
}

static void connect_to(const char *url, bool asap)
{
    natsOptions *options = NULL;
    check(natsOptions_Create(&options), "options");
    check(natsOptions_SetURL(options, url), "url");
    check(natsOptions_SetSendAsap(options, asap), "send asap");
    check(natsConnection_Connect(&connection, options), "connect");
    natsOptions_Destroy(options);
}

static void on_question(natsConnection *from, natsSubscription *subscription, natsMsg *message, void *closure)
{
    (void)subscription;
    (void)closure;
    check(natsConnection_Publish(from, natsMsg_GetReply(message), RESULT, sizeof RESULT - 1), "answer");
    natsMsg_Destroy(message);
}

static void answer_as(const char *url, const char *subject)
{
    natsSubscription *subscription = NULL;
    connect_to(url, strcmp(subject, "asap") == 0);
    check(natsConnection_Subscribe(&subscription, connection, subject, on_question, NULL), "subscribe");
    check(natsSubscription_NoDeliveryDelay(subscription), "no delay");
    check(natsConnection_Flush(connection), "flush");
}

static void answer(const char *url)
{
    answer_as(url, "asap");
    answer_as(url, "batched");
    puts("ready");
    fflush(stdout);
    pause();
}

static void publish(size_t place)
{
    char reply[sizeof inbox + 24];
    (void)snprintf(reply, sizeof reply, "%s.%zu", inbox, place);
    begun[place] = gauge_now();
    check(natsConnection_PublishRequest(connection, mode, reply, PARAMS, sizeof PARAMS - 1), "publish");
}

static void on_answer(natsConnection *from, natsSubscription *subscription, natsMsg *message, void *closure)
{
    (void)from;
    (void)subscription;
    (void)closure;
    size_t place = strtoul(strrchr(natsMsg_GetSubject(message), '.') + 1, NULL, 10);
    natsMsg_Destroy(message);
    if (atomic_load(&measuring))
        histogram_add(&times, gauge_now() - begun[place]);
    if (atomic_load(&stopping))
        atomic_fetch_sub(&in_flight, 1);
    else
        publish(place);
}

static void *ask_one_by_one(void *unused)
{
    (void)unused;
    while (!atomic_load(&stopping)) {
        natsMsg *message = NULL;
        uint64_t begin = gauge_now();
        check(natsConnection_Request(&message, connection, mode, PARAMS, sizeof PARAMS - 1, WAIT_MS), "request");
        natsMsg_Destroy(message);
        if (atomic_load(&measuring))
            histogram_add(&times, gauge_now() - begin);
    }
    return NULL;
}

static double cpu(void)
{
    uint64_t nanoseconds = 0;
    gauge_cpu(0, &nanoseconds);
    return (double)nanoseconds / 1e3;
}

/* Measures what goes on by itself. */
static void measure(const char *row, long ms)
{
    gauge_sleep(WARM_UP_MS);
    double used = cpu();
    uint64_t begin = gauge_now();
    atomic_store(&measuring, true);
    gauge_sleep(ms);
    atomic_store(&measuring, false);
    double seconds = (double)(gauge_now() - begin) / 1e9;
    used = cpu() - used;
    atomic_store(&stopping, true);
    if (times.total == 0)
        check(NATS_TIMEOUT, row);
    printf(
        "{\"row\": \"%s\", \"way\": \"nats\", \"cpu_us\": %.4f, \"rate\": %.1f, \"p50_us\": %.2f, \"p99_us\": %.2f}\n",
        row, used / (double)times.total, (double)times.total / seconds, (double)histogram_quantile(&times, 0.5) / 1e3,
        (double)histogram_quantile(&times, 0.99) / 1e3);
    fflush(stdout);
}

static void step(const char *row, long ms)
{
    pthread_t thread;
    long window = strtol(row, NULL, 10);
    memset(&times, 0, sizeof times);
    atomic_store(&stopping, false);
    if (window == 1) {
        if (pthread_create(&thread, NULL, ask_one_by_one, NULL) != 0)
            check(NATS_NO_MEMORY, "thread");
        measure(row, ms);
        pthread_join(thread, NULL);
        return;
    }
    atomic_store(&in_flight, window);
    for (long i = 0; i < window && i < MOST_OPEN; i++)
        publish((size_t)i);
    measure(row, ms);
    for (long tries = WAIT_MS; atomic_load(&in_flight) > 0; tries--) {
        if (tries == 0)
            check(NATS_TIMEOUT, "no answer");
        gauge_sleep(1);
    }
}

static void ask(const char *url, long ms, char *rows)
{
    connect_to(url, strcmp(mode, "asap") == 0);
    natsInbox *own = NULL;
    natsSubscription *subscription = NULL;
    char *rest = NULL, all[sizeof inbox + 2];
    check(natsInbox_Create(&own), "inbox");
    (void)snprintf(inbox, sizeof inbox, "%s", own);
    (void)snprintf(all, sizeof all, "%s.*", own);
    natsInbox_Destroy(own);
    check(natsConnection_Subscribe(&subscription, connection, all, on_answer, NULL), "subscribe");
    check(natsSubscription_NoDeliveryDelay(subscription), "no delay");
    for (const char *row = strtok_r(rows, ",", &rest); row; row = strtok_r(NULL, ",", &rest))
        step(row, ms);
    natsSubscription_Destroy(subscription);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "answer") == 0) {
        answer(argv[2]);
    } else if (argc == 6 && strcmp(argv[1], "ask") == 0) {
        mode = argv[4];
        ask(argv[2], strtol(argv[3], NULL, 10), argv[5]);
    } else {
        fputs("usage: bench_nats answer URL | ask URL MS MODE ROWS\n", stderr);
        return 2;
    }
    natsConnection_Destroy(connection);
    nats_Close();
    return 0;
}
