/*
 * The load generator: real clients with keys of their own, on one epoll loop, and the CPU time and memory of the process that
 * serves them. It does the steps of its command line in turn and prints a line of JSON for each:
 *
 *   memory                           the process's memory now
 *   idle=COUNT                       brings the number of idle connections to COUNT: handshakes a second, CPU a handshake
 *   handshakes=COUNT,RESUMED         connections that go again: likewise; RESUMED 1: with the newest session ticket of TLS
 *   relay=SIZE,PAIRS,WINDOW,MS       one-way messages in a closed loop, WINDOW of them in flight for each pair
 *   pingpong=SIZE,PAIRS,MS           round trips, one in flight for each pair
 *   paced=SIZE,PAIRS,RATE,MS         one-way messages at RATE a second in all, in turn over the pairs
 *   quiet=MS                         nothing: what the process uses by itself
 *
 * Idle connections stay until the end; the pairs of a step come and go with it. A step counts only what happens
 * between its warm-up and its end, and waits afterwards until every message on its way has arrived: none may be lost.
 * With --nats it does the same with a server of NATS, which knows no tracked messages.
 *
 *   bench_load --port PORT --pid PID [--tls] [--nats] STEP...
 */
#include "channel.h"
#include "gauge.h"
#include "histogram.h"
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
    MAX_IDLE = 100000,
    MAX_HANDSHAKES = 5000,
    MAX_PAIRS = 1000,
    OPENING_AT_ONCE = 64,
    PER_ADDRESS = 5000, /* connections from one loopback address: far from its 28,000 ports */
    WARM_UP_MS = 200,
    DEADLINE_MS = 60000, /* for opening, and for what is still on its way at a step's end */
    EVENTS = 256,
    MAX_NUMBERS = 4, /* of one step */
};

static const uint64_t MS = 1000000;

typedef enum run_kind {
    RUN_RELAY,
    RUN_PINGPONG,
    RUN_PACED,
    RUN_TRACKED
} run_kind;

typedef struct run_plan {
    const char *name;
    run_kind kind;
    size_t size;
    size_t pairs;
    size_t window;
    size_t rate;
    size_t ms;
} run_plan;

/* Peer 2i sends to peer 2i + 1. */
typedef struct run_state {
    run_plan plan;
    bench_peer *peers;
    bool sending;
    uint64_t sent;
    uint64_t received;
    uint64_t messages; /* received since the warm-up */
    bench_histogram times;
    size_t turn; /* PACED: whose it is to send */
} run_state;

static int epoll = -1;
static pid_t pid;
static struct sockaddr_in service;
static bench_peer *idle;
static size_t idle_count;
static size_t ready_count;
static size_t serial; /* connections opened so far: chooses the source address */
static run_state run;
static bench_peer *unflushed[2 * MAX_PAIRS];
static size_t unflushed_count;

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("bench_load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}

static uint64_t cpu_of(pid_t of)
{
    uint64_t nanoseconds = 0;
    if (!gauge_cpu(of, &nanoseconds))
        die("process %ld is gone", (long)of);
    return nanoseconds;
}

static void flush_later(bench_peer *peer)
{
    if (!peer->listed) {
        peer->listed = true;
        unflushed[unflushed_count++] = peer;
    }
}

static void send_more(bench_peer *peer, uint64_t count)
{
    run.sent += count;
    peer->pending += count;
    flush_later(peer);
}

static void flush(void)
{
    uint64_t now = unflushed_count > 0 ? gauge_now() : 0;
    for (size_t i = 0; i < unflushed_count; i++) {
        unflushed[i]->listed = false;
        peer_flush(unflushed[i], now);
    }
    unflushed_count = 0;
}

/* The pairs that are due: as many as the timer has expired. */
static void on_timer(int timer)
{
    uint64_t expired = 0;
    if (read(timer, &expired, sizeof expired) != sizeof expired || !run.sending)
        return;
    for (; expired > 0; expired--) {
        send_more(&run.peers[2 * run.turn], 1);
        run.turn = (run.turn + 1) % run.plan.pairs;
    }
}

static void turn(int timer, int timeout_ms)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(epoll, events, EVENTS, timeout_ms);
    if (count < 0 && errno != EINTR)
        die("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr)
            peer_event(events[i].data.ptr, events[i].events);
        else
            on_timer(timer);
    }
    flush();
}

static void on_ready(bench_peer *peer)
{
    (void)peer;
    ready_count++;
}

static void on_failed(bench_peer *peer)
{
    die("a connection failed: %s", peer->failure);
}

/* A payload is answered by a receipt, and each receipt lets the next payload go. */
static void on_tracked(bench_peer *peer, size_t size, uint64_t now)
{
    if ((peer - run.peers) % 2 == 1) {
        if (size != HEADER_SIZE + TRACKED_HEAD_SIZE + run.plan.size)
            die("received a message of %zu bytes and type 0x%02x", size, peer_received(peer));
        histogram_add(&run.times, now - peer_stamp(peer));
        peer->receipts++;
        flush_later(peer);
        return;
    }
    size_t receipts = peer_receipts(peer);
    if (!receipts)
        die("received a message of type 0x%02x in place of a receipt", peer_received(peer));
    run.received += receipts;
    run.messages += receipts;
    if (run.sending)
        send_more(peer, receipts);
}

static void on_message(bench_peer *peer, size_t size, uint64_t now)
{
    if (peer->owner != &run)
        die("an idle connection received a message");
    if (run.plan.kind == RUN_TRACKED) {
        on_tracked(peer, size, now);
        return;
    }
    if (size != HEADER_SIZE + run.plan.size)
        die("received a message of %zu bytes, not %zu", size, HEADER_SIZE + run.plan.size);
    bool answer = run.plan.kind == RUN_PINGPONG && (peer - run.peers) % 2 == 0;
    run.received++;
    if (run.plan.kind != RUN_PINGPONG)
        histogram_add(&run.times, now - peer_stamp(peer));
    else if (answer)
        histogram_add(&run.times, now - peer->stamped);
    run.messages++;
    if (run.plan.kind == RUN_PINGPONG && (!answer || run.sending))
        send_more(peer, 1);
    else if (run.plan.kind == RUN_RELAY && run.sending)
        send_more(peer - 1, 1);
}

static const peer_handlers handlers = {.ready = on_ready, .failed = on_failed, .message = on_message};

/* Their keys: made beforehand, so that the time of opening is not the generator's. */
static void init_all(bench_peer *peers, size_t count, void *owner)
{
    for (size_t i = 0; i < count; i++) {
        if (!peer_init(&peers[i], &handlers, owner))
            die("cannot make a key");
    }
}

/* Opens peers, a bounded number of them at a time, and returns when all are accepted. */
static void open_all(bench_peer *peers, size_t count)
{
    uint64_t deadline = gauge_now() + DEADLINE_MS * MS;
    size_t opened = 0;
    ready_count = 0;
    while (ready_count < count) {
        while (opened < count && opened - ready_count < OPENING_AT_ONCE) {
            in_addr_t source = htonl(INADDR_LOOPBACK + (in_addr_t)(((size_t)getpid() + serial++ / PER_ADDRESS) % 200));
            if (!peer_open(&peers[opened], epoll, &service, source))
                die("%s", peers[opened].failure);
            opened++;
        }
        turn(-1, 1000);
        if (gauge_now() > deadline)
            die("only %zu of %zu connections were accepted in time", ready_count, count);
    }
}

/* What it costs to open them, the service's CPU for each and how busy the generator is. */
typedef struct opening {
    double rate;
    double cpu_us;
    double load;
} opening;

static opening open_measured(bench_peer *peers, size_t count)
{
    uint64_t cpu = cpu_of(pid), own = cpu_of(0), begin = gauge_now();
    open_all(peers, count);
    double seconds = (double)(gauge_now() - begin) / 1e9;
    cpu = cpu_of(pid) - cpu;
    own = cpu_of(0) - own;
    return (opening){.rate = (double)count / seconds,
                     .cpu_us = (double)cpu / (double)count / 1e3,
                     .load = (double)own / 1e9 / seconds};
}

static void step_memory(const unsigned long *n)
{
    (void)n;
    uint64_t pss, rss;
    if (!gauge_memory(pid, &pss, &rss))
        die("cannot read the memory of process %ld", (long)pid);
    printf("{\"step\": \"memory\", \"idle\": %zu, \"pss\": %llu, \"rss\": %llu}\n", idle_count, (unsigned long long)pss,
           (unsigned long long)rss);
}

static void step_idle(const unsigned long *n)
{
    size_t count = n[0];
    if (count > MAX_IDLE || count <= idle_count)
        die("idle=COUNT: more than there are, %d at most", MAX_IDLE);
    size_t opened = count - idle_count;
    init_all(idle + idle_count, opened, NULL);
    opening cost = open_measured(idle + idle_count, opened);
    idle_count = count;
    printf("{\"step\": \"idle\", \"idle\": %zu, \"opened\": %zu, \"rate\": %.1f, \"cpu_us\": %.3f, \"load\": %.3f}\n",
           count, opened, cost.rate, cost.cpu_us, cost.load);
}

static void step_quiet(const unsigned long *n)
{
    uint64_t cpu = cpu_of(pid), begin = gauge_now();
    while (gauge_now() < begin + n[0] * MS)
        turn(-1, 10);
    double seconds = (double)(gauge_now() - begin) / 1e9;
    printf("{\"step\": \"quiet\", \"idle\": %zu, \"cpu_us_per_second\": %.3f}\n", idle_count,
           (double)(cpu_of(pid) - cpu) / 1e3 / seconds);
}

static void run_prepare(void)
{
    run.peers = calloc(2 * run.plan.pairs, sizeof *run.peers);
    if (!run.peers)
        die("out of memory");
    init_all(run.peers, 2 * run.plan.pairs, &run);
    for (size_t i = 0; i < 2 * run.plan.pairs; i++)
        run.peers[i].tracks = run.plan.kind == RUN_TRACKED;
    open_all(run.peers, 2 * run.plan.pairs);
    for (size_t i = 0; i < 2 * run.plan.pairs; i++) {
        if (!peer_prepare(&run.peers[i], run.peers[i ^ 1].key.id, run.plan.size))
            die("out of memory");
    }
}

static int run_start(void)
{
    run.sending = true;
    if (run.plan.kind == RUN_PACED) {
        long interval = 1000000000L / (long)run.plan.rate;
        struct itimerspec every = {{0, interval}, {0, interval}};
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
        int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
        if (timer < 0 || timerfd_settime(timer, 0, &every, NULL) != 0 ||
            epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event) != 0)
            die("timerfd: %s", strerror(errno));
        return timer;
    }
    for (size_t i = 0; i < run.plan.pairs; i++)
        send_more(&run.peers[2 * i], run.plan.window);
    flush();
    return -1;
}

static void run_for(int timer, size_t ms)
{
    uint64_t end = gauge_now() + ms * MS;
    while (gauge_now() < end)
        turn(timer, 10);
}

static void run_finish(int timer)
{
    uint64_t deadline = gauge_now() + DEADLINE_MS * MS;
    run.sending = false;
    while (run.received < run.sent && gauge_now() < deadline)
        turn(timer, 10);
    if (run.received != run.sent)
        die("sent %llu messages, received %llu", (unsigned long long)run.sent, (unsigned long long)run.received);
    if (timer >= 0)
        close(timer);
    for (size_t i = 0; i < 2 * run.plan.pairs; i++)
        peer_close(&run.peers[i]);
    free(run.peers);
}

/* Those of the step before are given time to be gone. */
static void step_handshakes(const unsigned long *n)
{
    size_t count = n[0], resumed = 0;
    bench_peer *peers = calloc(count, sizeof *peers);
    if (count < 1 || count > MAX_HANDSHAKES || !peers)
        die("handshakes=COUNT,RESUMED: 1 to %d", MAX_HANDSHAKES);
    if (!channel_use_tickets(n[1] != 0))
        die("handshakes: no connection was given a session ticket");
    run_for(-1, WARM_UP_MS);
    init_all(peers, count, NULL);
    opening cost = open_measured(peers, count);
    for (size_t i = 0; i < count; i++) {
        resumed += channel_resumed(&peers[i].channel);
        peer_close(&peers[i]);
    }
    free(peers);
    channel_use_tickets(false);
    if (resumed != (n[1] ? count : 0))
        die("handshakes: %zu of %zu were resumed", resumed, count);
    printf("{\"step\": \"handshakes\", \"opened\": %zu, \"rate\": %.1f, \"cpu_us\": %.3f, \"load\": %.3f}\n", count,
           cost.rate, cost.cpu_us, cost.load);
}

static void step_run(const run_plan *plan)
{
    if (plan->size < STAMP_SIZE || plan->pairs < 1 || plan->pairs > MAX_PAIRS ||
        (plan->kind == RUN_PACED ? plan->rate : plan->window) < 1)
        die("%s: a figure is out of range", plan->name);
    memset(&run, 0, sizeof run);
    run.plan = *plan;
    run_prepare();
    int timer = run_start();
    run_for(timer, WARM_UP_MS);
    run.messages = 0;
    memset(&run.times, 0, sizeof run.times);
    uint64_t cpu = cpu_of(pid), own = cpu_of(0), begin = gauge_now();
    run_for(timer, plan->ms);
    uint64_t messages = run.messages;
    double seconds = (double)(gauge_now() - begin) / 1e9;
    cpu = cpu_of(pid) - cpu;
    own = cpu_of(0) - own;
    double p50 = (double)histogram_quantile(&run.times, 0.5) / 1e3;
    double p99 = (double)histogram_quantile(&run.times, 0.99) / 1e3;
    run_finish(timer);
    if (messages == 0)
        die("%s: no message came through", plan->name);
    printf("{\"step\": \"%s\", \"idle\": %zu, \"size\": %zu, \"pairs\": %zu, \"window\": %zu, \"messages\": %llu, "
           "\"rate\": %.1f, \"cpu_us\": %.4f, \"p50_us\": %.2f, \"p99_us\": %.2f, \"own_us\": %.4f, \"load\": %.3f}\n",
           plan->name, idle_count, plan->size, plan->pairs, plan->window, (unsigned long long)messages,
           (double)messages / seconds, (double)cpu / (double)messages / 1e3, p50, p99,
           (double)own / (double)messages / 1e3, (double)own / 1e9 / seconds);
}

static void step_relay(const unsigned long *n)
{
    step_run(&(run_plan){.name = "relay", .kind = RUN_RELAY, .size = n[0], .pairs = n[1], .window = n[2], .ms = n[3]});
}

static void step_tracked(const unsigned long *n)
{
    step_run(
        &(run_plan){.name = "tracked", .kind = RUN_TRACKED, .size = n[0], .pairs = n[1], .window = n[2], .ms = n[3]});
}

static void step_pingpong(const unsigned long *n)
{
    step_run(
        &(run_plan){.name = "pingpong", .kind = RUN_PINGPONG, .size = n[0], .pairs = n[1], .window = 1, .ms = n[2]});
}

static void step_paced(const unsigned long *n)
{
    step_run(&(run_plan){.name = "paced", .kind = RUN_PACED, .size = n[0], .pairs = n[1], .rate = n[2], .ms = n[3]});
}

static const struct step {
    const char *name;
    unsigned numbers;
    void (*run)(const unsigned long *numbers);
} steps[] = {
    {"handshakes", 2, step_handshakes}, {"memory", 0, step_memory},   {"idle", 1, step_idle},
    {"quiet", 1, step_quiet},           {"tracked", 4, step_tracked}, {"relay", 4, step_relay},
    {"pingpong", 3, step_pingpong},     {"paced", 4, step_paced},
};

/* A whole number of ten million at most, ended by `end`. */
static unsigned long number(const char **text, char end)
{
    char *rest;
    unsigned long value = strtoul(*text, &rest, 10);
    if (rest == *text || *rest != end || value > 10000000)
        die("not a number here: %s", *text);
    *text = rest + (end != 0);
    return value;
}

static void step(const char *text)
{
    size_t length = strcspn(text, "=");
    unsigned long numbers[MAX_NUMBERS];
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (strlen(steps[i].name) != length || strncmp(steps[i].name, text, length) != 0)
            continue;
        const char *at = text + length + (text[length] == '=');
        for (unsigned k = 0; k < steps[i].numbers; k++)
            numbers[k] = number(&at, k + 1 < steps[i].numbers ? ',' : 0);
        steps[i].run(numbers);
        fflush(stdout);
        return;
    }
    die("unknown step: %s", text);
}

static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* What is spoken; returns how many arguments say so. */
static int flags(char **arguments)
{
    int count = 0;
    for (; arguments[count] && strncmp(arguments[count], "--", 2) == 0; count++) {
        if (strcmp(arguments[count], "--nats") == 0)
            peer_use_nats();
        else if (strcmp(arguments[count], "--tls") != 0 || !channel_use_tls())
            die("cannot do %s", arguments[count]);
    }
    return count;
}

int main(int argc, char **argv)
{
    if (argc < 6 || strcmp(argv[1], "--port") != 0 || strcmp(argv[3], "--pid") != 0)
        die("usage: bench_load --port PORT --pid PID [--tls] [--nats] STEP...");
    const char *port = argv[2], *process = argv[4];
    service.sin_family = AF_INET;
    service.sin_port = htons((uint16_t)number(&port, 0));
    service.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    pid = (pid_t)number(&process, 0);
    signal(SIGPIPE, SIG_IGN);
    raise_descriptors();
    epoll = epoll_create1(EPOLL_CLOEXEC);
    idle = calloc(MAX_IDLE, sizeof *idle);
    if (epoll < 0 || !idle || pid <= 0)
        die("cannot start");
    int first = flags(argv + 5) + 5;
    for (int i = first; i < argc; i++)
        step(argv[i]);
    for (size_t i = 0; i < idle_count; i++)
        peer_close(&idle[i]);
    free(idle);
    channel_end_tls();
    close(epoll);
    return 0;
}
