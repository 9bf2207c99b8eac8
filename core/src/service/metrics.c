/*
 * The struct of counters is nothing but counters, so a sum is a loop over them. The text is printed twice: once to
 * measure, once into memory of that size.
 */
#include "service/metrics.h"

#include "base/memory.h"

#include <acurast/version.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static const unsigned bucket_ms[ACURAST__SECONDS_BUCKETS] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000};

static const char *const drop_labels[ACURAST__DROP_COUNT] = {
#define DROP_LABEL(name, label) label,
    ACURAST__DROP_MAP(DROP_LABEL)
#undef DROP_LABEL
};

static const char *const reject_labels[ACURAST__REJECT_COUNT] = {
#define REJECT_LABEL(name, label) label,
    ACURAST__REJECT_MAP(REJECT_LABEL)
#undef REJECT_LABEL
};

static const acurast__refusal_info endings[ACURAST__ENDING_REFUSED] = {
#define ENDING_ROW(name, label_text, close_code, reason_text) {close_code, label_text, reason_text},
    ACURAST__ENDING_MAP(ENDING_ROW)
#undef ENDING_ROW
};

acurast__refusal_info acurast__ending_info(unsigned ending)
{
    if (ending < ACURAST__ENDING_REFUSED)
        return endings[ending];
    return *acurast__refusal_info_of((acurast__refusal)(ending - ACURAST__ENDING_REFUSED));
}

void acurast__metrics_accepted(acurast__metrics *metrics, uint64_t milliseconds)
{
    size_t bucket = 0;
    while (bucket < ACURAST__SECONDS_BUCKETS && milliseconds > bucket_ms[bucket])
        bucket++;
    acurast__count(&metrics->accepted, 1);
    acurast__count(&metrics->handshake_seconds[bucket], 1);
    acurast__count(&metrics->handshake_ms, milliseconds);
}

void acurast__metrics_add(acurast__metrics *sum, const acurast__metrics *more)
{
    _Static_assert(sizeof(acurast__metrics) % sizeof(acurast__counter) == 0, "counters and nothing else");
    acurast__counter *to = (acurast__counter *)sum;
    const acurast__counter *from = (const acurast__counter *)more;
    for (size_t i = 0; i < sizeof *sum / sizeof *to; i++)
        acurast__count(&to[i], atomic_load_explicit(&from[i], memory_order_relaxed));
}

typedef struct text {
    char *bytes; /* NULL: only measure */
    size_t capacity;
    size_t size;
} text;

static void print(text *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void print(text *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t room = out->bytes ? out->capacity - out->size : 0;
    int size = vsnprintf(out->bytes ? out->bytes + out->size : NULL, room, format, arguments);
    va_end(arguments);
    out->size += size > 0 ? (size_t)size : 0;
}

static uint64_t value(const acurast__counter *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void print_head(text *out, const char *name, const char *type, const char *help)
{
    print(out, "# HELP acurast_%s %s\n# TYPE acurast_%s %s\n", name, help, name, type);
}

static void print_gauge(text *out, const char *name, uint64_t number, const char *help)
{
    print_head(out, name, "gauge", help);
    print(out, "acurast_%s %" PRIu64 "\n", name, number);
}

static void print_counter(text *out, const char *name, const acurast__counter *counter, const char *help)
{
    print_head(out, name, "counter", help);
    print(out, "acurast_%s %" PRIu64 "\n", name, value(counter));
}

static void print_labelled(text *out, const char *name, const char *key, const char *label,
                           const acurast__counter *counter)
{
    print(out, "acurast_%s{%s=\"%s\"} %" PRIu64 "\n", name, key, label, value(counter));
}

static void print_gauges(text *out, const acurast__gauges *gauges)
{
    print_head(out, "build_info", "gauge", "Always 1; the version is in the label");
    print(out, "acurast_build_info{version=\"%s\"} 1\n", ACURAST_VERSION);
    print_gauge(out, "ready", gauges->ready, "1 while new connections are taken");
    print_gauge(out, "threads", gauges->threads, "I/O threads");
    print_gauge(out, "stalled_seconds", gauges->stalled_ms / 1000,
                "How long the I/O thread that is furthest behind has not turned; 0 while all do");
    if (gauges->certificate_not_after > 0)
        print_gauge(out, "tls_certificate_not_after_seconds", (uint64_t)gauges->certificate_not_after,
                    "The end of the certificate's time, in seconds since 1970");
    print_gauge(out, "connections", gauges->connections, "Open connections, accepted or not");
    print_gauge(out, "connections_pending", gauges->pending,
                "Open connections that are not yet accepted, or about to go");
    print_gauge(out, "ids", gauges->ids, "Ids that have a connection");
    print_gauge(out, "mailboxes", gauges->mailboxes, "Ids that are remembered without a connection");
    print_gauge(out, "mailbox_frames", gauges->mailbox_frames, "Payloads that wait in mailboxes");
    print_gauge(out, "mailbox_bytes", gauges->mailbox_bytes, "Bytes of memory held for mailboxes");
    print_gauge(out, "buffer_bytes", gauges->buffer_bytes, "Bytes of memory held in all buffers and mailboxes");
}

static void print_traffic(text *out, const acurast__metrics *sum)
{
    print_counter(out, "connections_total", &sum->connections, "Connections taken on");
    print_counter(out, "frames_in_total", &sum->frames_in, "Payload frames received from accepted clients");
    print_counter(out, "bytes_in_total", &sum->bytes_in, "Bytes of these frames, header included");
    print_counter(out, "frames_out_total", &sum->frames_out, "Payload frames queued to clients");
    print_counter(out, "bytes_out_total", &sum->bytes_out, "Bytes of these frames");
    print_counter(out, "mailbox_frames_total", &sum->mailbox_frames, "Payload frames put into a mailbox");
    print_counter(out, "takeovers_total", &sum->takeovers, "Connections replaced by a newer one of the same key");
    print_counter(out, "rate_pauses_total", &sum->pauses, "Times that reading from a client paused for its rate");
    print_counter(out, "share_pauses_total", &sum->share_pauses,
                  "Times that reading from a client paused for its share of a recipient's queue");
    print_counter(out, "logs_lost_total", &sum->logs_lost, "Log lines dropped, too many were waiting");
}

static void print_tidings(text *out, const acurast__metrics *sum)
{
    print_counter(out, "receipts_told_total", &sum->receipts_told, "What the service told of single tracked payloads");
    print_counter(out, "receipts_relayed_total", &sum->receipts_relayed, "Receipt frames of recipients passed on");
    print_counter(out, "gone_told_total", &sum->gone_told, "Times that a client was told that another has left");
    print_counter(out, "looks_total", &sum->looks, "Ids that clients looked up");
    print_counter(out, "tidings_lost_total", &sum->tidings_lost,
                  "Receipts and words on who has left that were lost for want of room or memory");
}

static void print_reasons(text *out, const acurast__metrics *sum)
{
    print_head(out, "dropped_frames_total", "counter", "Payload frames that were not passed on");
    for (size_t i = 0; i < ACURAST__DROP_COUNT; i++)
        print_labelled(out, "dropped_frames_total", "reason", drop_labels[i], &sum->drops[i]);
    print_head(out, "rejected_connections_total", "counter", "Connections turned away before a handshake");
    for (size_t i = 0; i < ACURAST__REJECT_COUNT; i++)
        print_labelled(out, "rejected_connections_total", "reason", reject_labels[i], &sum->rejects[i]);
    print_head(out, "handshakes_total", "counter", "Handshakes by result");
    print_labelled(out, "handshakes_total", "result", "accepted", &sum->accepted);
    for (unsigned i = 0; i < ACURAST__ENDING_COUNT; i++)
        print_labelled(out, "handshakes_total", "result", acurast__ending_info(i).label, &sum->refused[i]);
    print_head(out, "closed_connections_total", "counter", "Accepted connections that ended");
    for (unsigned i = 0; i < ACURAST__ENDING_COUNT; i++)
        print_labelled(out, "closed_connections_total", "reason", acurast__ending_info(i).label, &sum->closed[i]);
}

static void print_seconds(text *out, const acurast__metrics *sum)
{
    uint64_t count = 0;
    print_head(out, "handshake_seconds", "histogram", "From the upgrade until accepted");
    for (size_t i = 0; i < ACURAST__SECONDS_BUCKETS; i++) {
        count += value(&sum->handshake_seconds[i]);
        print(out, "acurast_handshake_seconds_bucket{le=\"%g\"} %" PRIu64 "\n", bucket_ms[i] / 1000.0, count);
    }
    count += value(&sum->handshake_seconds[ACURAST__SECONDS_BUCKETS]);
    print(out, "acurast_handshake_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n", count);
    print(out, "acurast_handshake_seconds_sum %g\n", (double)value(&sum->handshake_ms) / 1000.0);
    print(out, "acurast_handshake_seconds_count %" PRIu64 "\n", count);
    print_head(out, "verify_seconds_total", "counter", "Time spent on verifying handshakes");
    print(out, "acurast_verify_seconds_total %g\n", (double)value(&sum->verify_us) / 1e6);
}

static void print_all(text *out, const acurast__metrics *sum, const acurast__gauges *gauges)
{
    print_gauges(out, gauges);
    print_traffic(out, sum);
    print_tidings(out, sum);
    print_reasons(out, sum);
    print_seconds(out, sum);
}

char *acurast__metrics_text(const acurast__metrics *sum, const acurast__gauges *gauges, size_t *size)
{
    text out = {0};
    print_all(&out, sum, gauges);
    out.capacity = out.size + 1;
    out.bytes = acurast__alloc(out.capacity);
    if (!out.bytes)
        return NULL;
    out.size = 0;
    print_all(&out, sum, gauges);
    *size = out.size;
    return out.bytes;
}
