/*
 * The rows of the bindings' contestants by the C client alone, events by queue and poll as a binding takes them: what the
 * Python or the JavaScript on top of it costs is the difference.   bare URL ECHO SINK SECONDS
 */
#include <acurast/acurast.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum {
    CLIENTS = 100,
    BATCH = 512,
    SIZE = 64,
    ROUND = 16
};

static acurast_context *context;
static acurast_queue *queue;
static acurast_client *clients[CLIENTS];
static uint8_t payload[SIZE];
static acurast_event_view views[BATCH];

static void check(acurast_status status)
{
    if (status == ACURAST_OK)
        return;
    fprintf(stderr, "bare: %s\n", acurast_status_text(status));
    exit(2);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double processor_time(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* OK, or OUTBOX_FULL. */
static acurast_status post(size_t client, const uint8_t *to)
{
    acurast_send_params params = {.size = sizeof params, .no_outcome = 1};
    acurast_status status = acurast_client_send(clients[client], to, ACURAST_ID_SIZE, payload, SIZE, &params, NULL);
    if (status != ACURAST_OUTBOX_FULL)
        check(status);
    return status;
}

/* Waits for events; for each payload, sends the next one if `echo` is given. Returns the number of payloads. */
static unsigned long drain(const uint8_t *echo)
{
    struct pollfd watched = {.fd = acurast_queue_descriptor(queue), .events = POLLIN};
    unsigned long payloads = 0;
    size_t count = 0;
    poll(&watched, 1, 5000);
    views[0].size = sizeof views[0];
    if (acurast_queue_take(queue, views, BATCH, 0, &count) != ACURAST_OK)
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (views[i].type != ACURAST_EVENT_PAYLOAD)
            continue;
        payloads++;
        if (echo)
            post((size_t)views[i].source, echo);
    }
    acurast_queue_done(queue);
    return payloads;
}

static unsigned long round_trips(size_t number, const uint8_t *echo, double seconds)
{
    double end = now() + seconds;
    unsigned long trips = 0, left = number;
    for (size_t i = 0; i < number; i++)
        post(i, echo);
    while (now() < end)
        trips += drain(echo);
    while (left > 0)
        left -= drain(NULL);
    return trips + number;
}

static unsigned long sends(const uint8_t *sink, double seconds)
{
    double end = now() + seconds;
    unsigned long sent = 0;
    while (now() < end)
        for (int i = 0; i < ROUND; i++) {
            while (post(0, sink) != ACURAST_OK)
                drain(NULL);
            sent++;
        }
    while (post(0, acurast_client_id(clients[0])) != ACURAST_OK)
        drain(NULL);
    while (drain(NULL) == 0)
        ;
    return sent;
}

static void report(const char *row, unsigned long messages, double begin, double cpu)
{
    printf("{\"row\": \"%s\", \"messages\": %lu, \"seconds\": %f, \"cpu\": %f}\n", row, messages, now() - begin,
           processor_time() - cpu);
}

static void open_clients(const char *url)
{
    acurast_options *options;
    check(acurast_options_create(ACURAST_SCOPE_CLIENT, &options));
    check(acurast_options_set(options, "url", url));
    check(acurast_context_create(NULL, &context));
    check(acurast_queue_create(context, 0, 0, &queue));
    for (size_t i = 0; i < CLIENTS; i++) {
        check(acurast_client_create(context, options, NULL, &clients[i]));
        check(acurast_client_set_queue(clients[i], queue, i));
        check(acurast_client_connect(clients[i]));
        check(acurast_client_wait(clients[i], 10000));
    }
    acurast_options_release(options);
}

int main(int argc, char **argv)
{
    uint8_t echo[ACURAST_ID_SIZE], sink[ACURAST_ID_SIZE];
    if (argc != 5)
        return 2;
    double seconds = atof(argv[4]), begin = now(), cpu = processor_time();
    check(acurast_id_of(argv[2], strlen(argv[2]), echo));
    check(acurast_id_of(argv[3], strlen(argv[3]), sink));
    open_clients(argv[1]);
    report("handshakes", CLIENTS, begin, cpu);
    round_trips(CLIENTS, echo, 0.2);
    begin = now(), cpu = processor_time();
    report("round trips, 1 client", round_trips(1, echo, seconds), begin, cpu);
    begin = now(), cpu = processor_time();
    report("round trips, 100 clients", round_trips(CLIENTS, echo, seconds), begin, cpu);
    begin = now(), cpu = processor_time();
    report("sends", sends(sink, seconds), begin, cpu);
    for (size_t i = 0; i < CLIENTS; i++)
        acurast_client_release(clients[i]);
    acurast_context_close(context);
    acurast_context_wait(context, -1);
    acurast_queue_release(queue);
    acurast_context_release(context);
    return 0;
}
