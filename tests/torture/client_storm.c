/*
 * Many threads do anything to a few clients at any time, while the service restarts and a line in between is cut: send, cancel, close,
 * release, connect anew, also from within callbacks. What must hold all the while:
 *
 *   - a send that returned OK has one outcome, unless it asked for none or was written within the call; any other has none
 *   - outcomes of one client never come on two threads at once, and nothing comes after CLOSED or after the destructor
 *   - CLOSED and the destructor come once
 *   - never more wait in an outbox than its limits say
 *   - a context closes in time, whatever is going on, and nothing is left
 *
 * The first argument is the seed, the second the seconds.
 */
#include "support/client_kit.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdatomic.h>

enum {
    THREADS = 4,
    SLOTS = 6,
    SENDS = 4000, /* of one client at most */
    RECORDS = 4096,
    OUTBOX = 32
};

typedef enum asked {
    ASKED_NOTHING,
    ASKED_OUTCOME,
    ASKED_SILENCE
} asked;

/* What is known of one client, kept to the end. */
typedef struct record {
    acurast_client *client;
    bool queued; /* its events come by the queue */
    atomic_bool released_early;
    atomic_bool busy; /* in its callback */
    atomic_uint next_token;
    atomic_int closed, destroyed;
    atomic_int faults; /* what must not be */
    _Atomic unsigned char asked[SENDS], outcomes[SENDS];
} record;

/* Whoever uses a slot's client holds its lock for reading; whoever gives the handle back holds it for writing. */
typedef struct slot {
    pthread_rwlock_t lock;
    record *record;
} slot;

static struct world {
    acurast_context *context;
    acurast_queue *queue;
    acurast_service *service;
    uint16_t port, proxy_port;
    int proxy;
    slot slots[SLOTS];
    record *records[RECORDS];
    atomic_uint record_count;
    atomic_bool stop, drained;
    atomic_int failures;
    atomic_uint written; /* within the call */
    uint64_t seed;
} world;

static _Thread_local uint64_t seed_here = 1;

static unsigned chance(unsigned of)
{
    seed_here ^= seed_here << 13;
    seed_here ^= seed_here >> 7;
    seed_here ^= seed_here << 17;
    return (unsigned)((seed_here >> 11) % of);
}

static void complain(const char *what)
{
    if (atomic_fetch_add(&world.failures, 1) < 10)
        fprintf(stderr, "wrong: %s\n", what);
}

/* ---- what is done to a client ---- */

static void check_outbox(acurast_client *client)
{
    acurast_client_stats stats = {.size = sizeof stats};
    if (acurast_client_get_stats(client, &stats) == ACURAST_OK && stats.outbox_count > OUTBOX)
        complain("an outbox above its limit");
}

static void send_one(record *to)
{
    static const char payload[60000];
    unsigned token = atomic_fetch_add(&to->next_token, 1);
    if (token >= SENDS)
        return;
    acurast_send_params params = {.size = sizeof params, .token = token, .no_outcome = chance(8) == 0};
    params.timeout_ms = chance(4) ? 0 : 1 + chance(50);
    params.write_now = chance(2);
    uint64_t operation = 0;
    size_t size = chance(10) ? chance(300) : chance(sizeof payload);
    /* noted before the call, since the outcome may come before it returns */
    atomic_store(&to->asked[token], params.no_outcome ? ASKED_SILENCE : ASKED_OUTCOME);
    acurast_status status = acurast_client_send(to->client, acurast_client_id(to->client), ACURAST_ID_SIZE, payload,
                                                size, &params, &operation);
    bool written = status == ACURAST_OK && operation == 0;
    if (written && !params.write_now)
        complain("a send without a number");
    if (written)
        atomic_fetch_add(&world.written, 1);
    if (status != ACURAST_OK || written)
        atomic_store(&to->asked[token], ASKED_NOTHING);
    else if (chance(3) == 0)
        (void)acurast_client_cancel(to->client, operation - chance(2) * (operation > 1));
}

static void do_something(record *to)
{
    switch (chance(40)) {
    case 0:
        acurast_client_close(to->client);
        break;
    case 1:
        (void)acurast_client_connect(to->client);
        break;
    case 2:
        check_outbox(to->client);
        break;
    case 3:
        (void)acurast_client_wait(to->client, (int)chance(5));
        break;
    default:
        send_one(to);
    }
}

/* ---- events ---- */

static slot *slot_of(const record *own)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (pthread_rwlock_tryrdlock(&world.slots[i].lock) == 0) {
            if (world.slots[i].record == own)
                return &world.slots[i];
            pthread_rwlock_unlock(&world.slots[i].lock);
        }
    return NULL;
}

/* Within the callback: more of the same, and now and then the handle is given back. */
static void go_on(record *own)
{
    slot *here = slot_of(own);
    if (!here)
        return;
    do_something(own);
    pthread_rwlock_unlock(&here->lock);
    if (chance(200) || pthread_rwlock_trywrlock(&here->lock) != 0)
        return;
    if (here->record == own) {
        here->record = NULL;
        atomic_store(&own->released_early, true);
        acurast_client_release(own->client);
    }
    pthread_rwlock_unlock(&here->lock);
}

static void note(record *own, const acurast_event_view *event)
{
    if (atomic_load(&own->closed) || atomic_load(&own->destroyed))
        complain("an event after the last");
    if (event->type == ACURAST_EVENT_OUTCOME) {
        if (event->token >= SENDS || atomic_fetch_add(&own->outcomes[event->token], 1))
            complain("a second outcome");
    } else if (event->type == ACURAST_EVENT_STATE && event->state == ACURAST_STATE_CLOSED) {
        atomic_fetch_add(&own->closed, 1);
    }
}

static void on_event(void *user, const acurast_event_view *event)
{
    record *own = user;
    if (atomic_exchange(&own->busy, true))
        complain("two callbacks at once");
    note(own, event);
    if (chance(4) == 0)
        go_on(own);
    atomic_store(&own->busy, false);
}

static void on_destroy(void *user)
{
    atomic_fetch_add(&((record *)user)->destroyed, 1);
}

static void *drain(void *argument)
{
    (void)argument;
    seed_here = world.seed ^ 77;
    acurast_event_view views[8] = {{.size = sizeof views[0]}};
    size_t count;
    while (!atomic_load(&world.drained)) {
        views[0].size = sizeof views[0];
        if (acurast_queue_take(world.queue, views, 1 + chance(8), 20, &count) != ACURAST_OK)
            continue;
        for (size_t i = 0; i < count; i++) {
            record *own = world.records[views[i].source];
            note(own, &views[i]);
            if (chance(8) == 0)
                go_on(own);
        }
        if (chance(20) == 0)
            kit_pause();
        acurast_queue_done(world.queue);
    }
    return NULL;
}

/* ---- clients come and go ---- */

static record *make_record(void)
{
    char url[128];
    unsigned index = atomic_fetch_add(&world.record_count, 1);
    if (index >= RECORDS)
        return NULL;
    record *made = calloc(1, sizeof *made);
    snprintf(url, sizeof url, "ws://127.0.0.1:%u ws://127.0.0.1:%u", world.proxy_port, world.port);
    acurast_options *options = NULL;
    acurast_options_create(ACURAST_SCOPE_CLIENT, &options);
    acurast_options_set(options, "url", url);
    acurast_options_set(options, "backoff-min", "1ms");
    acurast_options_set(options, "backoff-max", "20ms");
    acurast_options_set_int(options, "outbox-count", OUTBOX);
    acurast_options_set(options, "outbox-bytes", "100000");
    acurast_options_set_int(options, "linger", chance(3) * 30);
    if (acurast_client_create(world.context, options, NULL, &made->client) != ACURAST_OK)
        complain("a client could not be made");
    acurast_options_release(options);
    world.records[index] = made;
    made->queued = chance(3) == 0;
    if (made->queued)
        (void)acurast_client_set_queue(made->client, world.queue, index);
    else
        (void)acurast_client_set_callback(made->client, on_event, made, on_destroy);
    if (chance(8))
        (void)acurast_client_connect(made->client);
    return made;
}

static void renew(slot *here)
{
    pthread_rwlock_wrlock(&here->lock);
    record *old = here->record;
    if (old) {
        atomic_store(&old->released_early, true);
        acurast_client_release(old->client);
    }
    here->record = make_record();
    pthread_rwlock_unlock(&here->lock);
}

static void *rage(void *argument)
{
    seed_here = world.seed ^ (0x9e3779b97f4a7c15u * (uint64_t)(uintptr_t)argument);
    while (!atomic_load(&world.stop)) {
        slot *here = &world.slots[chance(SLOTS)];
        if (chance(400) == 0) {
            renew(here);
            continue;
        }
        pthread_rwlock_rdlock(&here->lock);
        bool empty = !here->record;
        if (!empty)
            do_something(here->record);
        pthread_rwlock_unlock(&here->lock);
        if (empty && chance(4) == 0)
            renew(here);
        if (chance(16) == 0)
            kit_pause();
    }
    return NULL;
}

/* ---- the service restarts, the line is cut ---- */

static acurast_service *start_service(uint16_t port)
{
    char listen[32];
    acurast_service *service = NULL;
    acurast_options *options = NULL;
    snprintf(listen, sizeof listen, "127.0.0.1:%u", port);
    acurast_options_create(ACURAST_SCOPE_SERVICE, &options);
    acurast_options_set(options, "listen", listen);
    acurast_options_set(options, "drain-time", "50ms");
    if (acurast_service_create(world.context, options, &service) != ACURAST_OK)
        complain("a service could not be made");
    acurast_options_release(options);
    while (acurast_service_start(service) == ACURAST_ADDRESS_IN_USE)
        kit_pause();
    return service;
}

static void *restart(void *argument)
{
    (void)argument;
    seed_here = world.seed ^ 99;
    while (!atomic_load(&world.stop)) {
        for (unsigned i = 100 + chance(300); i && !atomic_load(&world.stop); i--)
            kit_pause();
        acurast_service_close(world.service);
        if (acurast_service_wait(world.service, DEADLINE_MS) != ACURAST_OK)
            complain("a service did not end");
        acurast_service_release(world.service);
        world.service = start_service(world.port);
    }
    return NULL;
}

static int dial(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(descriptor, (struct sockaddr *)&to, sizeof to) == 0)
        return descriptor;
    close(descriptor);
    return -1;
}

static void reset(int descriptor)
{
    const struct linger hard = {.l_onoff = 1};
    if (chance(2))
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(descriptor);
}

/* Ends of a line stand side by side in `ends`. Returns false where the line is to be cut. */
static bool pass(int from, int to)
{
    char bytes[16384];
    ssize_t size = recv(from, bytes, 1 + chance(sizeof bytes), MSG_DONTWAIT);
    if (size <= 0)
        return false;
    if (chance(300) == 0)
        size = chance((unsigned)size + 1); /* and cut within a frame */
    return send(to, bytes, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT) == size && chance(300);
}

static void *proxy(void *argument)
{
    enum {
        ENDS = 64
    };
    struct pollfd ends[ENDS + 1];
    size_t count = 0;
    (void)argument;
    seed_here = world.seed ^ 123;
    while (!atomic_load(&world.drained)) {
        ends[count] = (struct pollfd){.fd = count < ENDS ? world.proxy : -1, .events = POLLIN};
        poll(ends, count + 1, 20);
        if (ends[count].revents & POLLIN) {
            int near = accept(world.proxy, NULL, NULL), far = dial(world.port);
            ends[count] = (struct pollfd){.fd = near, .events = POLLIN};
            ends[count + 1 <= ENDS ? count + 1 : count] = (struct pollfd){.fd = far, .events = POLLIN};
            if (near >= 0 && far >= 0)
                count += 2;
            else
                close(near >= 0 ? near : far);
            continue;
        }
        for (size_t i = 0; i < count; i += 2) {
            bool alive = (!ends[i].revents || pass(ends[i].fd, ends[i + 1].fd)) &&
                         (!ends[i + 1].revents || pass(ends[i + 1].fd, ends[i].fd));
            if (alive)
                continue;
            reset(ends[i].fd);
            reset(ends[i + 1].fd);
            count -= 2;
            ends[i] = ends[count];
            ends[i + 1] = ends[count + 1];
            i -= 2;
        }
    }
    for (size_t i = 0; i < count; i++)
        close(ends[i].fd);
    return NULL;
}

static void open_proxy(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    world.proxy = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(world.proxy, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(world.proxy, 64), 0);
    assert_int_equal(getsockname(world.proxy, (struct sockaddr *)&at, &size), 0);
    world.proxy_port = ntohs(at.sin_port);
}

/* ---- the end ---- */

static void judge(const record *own)
{
    bool all = !atomic_load(&own->released_early);
    assert_int_equal(atomic_load(&own->destroyed), !own->queued);
    assert_true(atomic_load(&own->closed) <= 1);
    if (all)
        assert_int_equal(atomic_load(&own->closed), 1);
    for (size_t i = 0; i < SENDS; i++) {
        int expected = atomic_load(&own->asked[i]) == ASKED_OUTCOME;
        int outcomes = atomic_load(&own->outcomes[i]);
        if (all ? outcomes != expected : outcomes > expected) {
            fprintf(stderr, "send %zu: %d outcomes, %d expected\n", i, outcomes, expected);
            fail();
        }
    }
}

static bool is_over(const record *own)
{
    if (own->queued)
        return atomic_load(&own->released_early) || atomic_load(&own->closed);
    return atomic_load(&own->destroyed);
}

static void close_all(void)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (world.slots[i].record)
            acurast_client_close(world.slots[i].record->client);
    for (unsigned i = 0; i < atomic_load(&world.record_count) && i < RECORDS; i++)
        KIT_EVENTUALLY(is_over(world.records[i]));
    for (size_t i = 0; i < SLOTS; i++)
        if (world.slots[i].record)
            acurast_client_release(world.slots[i].record->client);
}

static uint64_t seed_by_argument = 0x5deece66d;
static int seconds_by_argument = 5;

static void all_at_once(void **state)
{
    (void)state;
    pthread_t threads[THREADS], drainer, restarter, line;
    world.seed = seed_by_argument;
    fprintf(stderr, "seed %llu\n", (unsigned long long)world.seed);
    world.context = kit_context("2");
    assert_int_equal(acurast_queue_create(world.context, 16, 100000, &world.queue), ACURAST_OK);
    world.service = start_service(0);
    world.port = acurast_service_port(world.service);
    open_proxy();
    for (size_t i = 0; i < SLOTS; i++)
        pthread_rwlock_init(&world.slots[i].lock, NULL);
    assert_int_equal(pthread_create(&drainer, NULL, drain, NULL), 0);
    assert_int_equal(pthread_create(&restarter, NULL, restart, NULL), 0);
    assert_int_equal(pthread_create(&line, NULL, proxy, NULL), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, rage, (void *)(uintptr_t)(i + 1)), 0);
    nanosleep(&(struct timespec){.tv_sec = seconds_by_argument}, NULL);
    atomic_store(&world.stop, true);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_join(restarter, NULL);
    close_all();
    atomic_store(&world.drained, true);
    pthread_join(drainer, NULL);
    pthread_join(line, NULL);
    acurast_service_release(world.service);
    acurast_queue_release(world.queue);
    kit_context_end(world.context);
    close(world.proxy);
    assert_int_equal(atomic_load(&world.failures), 0);
    for (unsigned i = 0; i < atomic_load(&world.record_count) && i < RECORDS; i++) {
        judge(world.records[i]);
        free(world.records[i]);
    }
    fprintf(stderr, "%u clients, %u sends written within the call\n", atomic_load(&world.record_count),
            atomic_load(&world.written));
    for (size_t i = 0; i < SLOTS; i++)
        pthread_rwlock_destroy(&world.slots[i].lock);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {KIT_TEST(all_at_once)};
    kit_child_main(argc, argv);
    if (argc > 1)
        seed_by_argument = strtoull(argv[1], NULL, 0);
    if (argc > 2)
        seconds_by_argument = atoi(argv[2]);
    return cmocka_run_group_tests(tests, kit_warm_up, NULL);
}
