/*
 * Round trips of two clients of the library, both in this process on one I/O thread: a dApp keeps WINDOW payloads on their way, a
 * processor sends each back. All of it happens in callbacks; the main thread only opens and closes the measured time. Prints one
 * line of JSON, where both directions count as messages.
 *
 *   bench_roundtrip --port PORT --pid PID SIZE WINDOW MS
 */
#include "client.h"
#include "gauge.h"
#include "histogram.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WARM_UP_MS = 200,
    MAX_SIZE = 1 << 20,
};

static acurast_client *dapp;
static acurast_client *processor;
static uint8_t *payload;
static size_t payload_size;
static atomic_bool measuring;
static atomic_bool stopping;
static atomic_uint_fast64_t trips;
static bench_histogram times; /* the I/O thread's, until it has ended */

static void send_to(acurast_client *client, const uint8_t *recipient, const void *bytes, size_t size)
{
    const acurast_send_params params = {.size = sizeof params, .no_outcome = 1};
    if (!atomic_load(&stopping))
        client_check(acurast_client_send(client, recipient, ACURAST_ID_SIZE, bytes, size, &params, NULL), "send");
}

static void send_stamped(void)
{
    uint64_t now = gauge_now();
    memcpy(payload, &now, sizeof now);
    send_to(dapp, acurast_client_id(processor), payload, payload_size);
}

static void on_dapp_event(void *user, const acurast_event_view *event)
{
    (void)user;
    uint64_t sent;
    if (event->type != ACURAST_EVENT_PAYLOAD)
        return;
    memcpy(&sent, event->payload, sizeof sent);
    if (atomic_load(&measuring)) {
        histogram_add(&times, gauge_now() - sent);
        atomic_fetch_add(&trips, 1);
    }
    send_stamped();
}

static void on_processor_event(void *user, const acurast_event_view *event)
{
    (void)user;
    if (event->type == ACURAST_EVENT_PAYLOAD)
        send_to(processor, event->sender, event->payload, event->payload_size);
}

static uint64_t cpu_of(pid_t pid)
{
    uint64_t nanoseconds = 0;
    if (!gauge_cpu(pid, &nanoseconds)) {
        fprintf(stderr, "bench_roundtrip: process %ld is gone\n", (long)pid);
        exit(2);
    }
    return nanoseconds;
}

static void measure(pid_t pid, long window, long ms)
{
    for (long i = 0; i < window; i++)
        send_stamped();
    gauge_sleep(WARM_UP_MS);
    uint64_t cpu = cpu_of(pid), own = cpu_of(0), begin = gauge_now();
    atomic_store(&measuring, true);
    gauge_sleep(ms);
    atomic_store(&measuring, false);
    double messages = 2.0 * (double)atomic_load(&trips), seconds = (double)(gauge_now() - begin) / 1e9;
    cpu = cpu_of(pid) - cpu;
    own = cpu_of(0) - own;
    atomic_store(&stopping, true);
    if (messages == 0) {
        fputs("bench_roundtrip: no round trip\n", stderr);
        exit(2);
    }
    printf("{\"step\": \"roundtrip\", \"rate\": %.1f, \"cpu_us\": %.4f, \"own_us\": %.4f, ", messages / seconds,
           (double)cpu / messages / 1e3, (double)own / messages / 1e3);
}

int main(int argc, char **argv)
{
    if (argc != 8 || strcmp(argv[1], "--port") != 0 || strcmp(argv[3], "--pid") != 0) {
        fputs("usage: bench_roundtrip --port PORT --pid PID SIZE WINDOW MS\n", stderr);
        return 2;
    }
    char url[64];
    pid_t pid = (pid_t)strtol(argv[4], NULL, 10);
    long window = strtol(argv[6], NULL, 10), ms = strtol(argv[7], NULL, 10);
    snprintf(url, sizeof url, "ws://127.0.0.1:%s", argv[2]);
    payload_size = strtoul(argv[5], NULL, 10);
    if (payload_size < sizeof(uint64_t) || payload_size > MAX_SIZE || !(payload = calloc(1, payload_size)))
        return 2;
    acurast_context *context = NULL;
    client_check(acurast_context_create(NULL, &context), "context");
    dapp = client_open(context, url, on_dapp_event);
    processor = client_open(context, url, on_processor_event);
    measure(pid, window, ms);
    client_end(context);
    printf("\"p50_us\": %.2f, \"p99_us\": %.2f}\n", (double)histogram_quantile(&times, 0.5) / 1e3,
           (double)histogram_quantile(&times, 0.99) / 1e3);
    acurast_client_release(dapp);
    acurast_client_release(processor);
    acurast_context_release(context);
    free(payload);
    return 0;
}
