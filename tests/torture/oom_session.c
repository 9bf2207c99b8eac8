/*
 * Every allocation of the library's own fails in turn, once in each whole session: context, service, two clients, payloads both
 * ways, a mailbox, a takeover, figures, reload, the end. What may come of it is a status, a reconnect or a lost payload; not a crash, a leak,
 * a second outcome, or waiting for ever. Then many fail at random, and all must work again afterwards.
 *
 * What libuv and libcrypto allocate themselves is not made to fail.
 *
 * The arguments share the allocations out over processes, since a session mostly waits: from which one on, and how many each time. The
 * first process has the storm as well.
 */
#include "base/memory.h"
#include "support/client_kit.h"

#include <stdatomic.h>

#define OUTCOMES_MAX 64

/* What a client's callback sees: counted, judged at the end. */
typedef struct watch {
    acurast_client *client;
    atomic_int payloads, closed, destroyed;
    atomic_int outcomes[OUTCOMES_MAX]; /* by token */
    int expected[OUTCOMES_MAX];
} watch;

static bool is_outcome(acurast_event_type type)
{
    return type == ACURAST_EVENT_OUTCOME || type == ACURAST_EVENT_REPLY || type == ACURAST_EVENT_SEEN ||
           type == ACURAST_EVENT_ANSWERS;
}

static void on_event(void *user, const acurast_event_view *event)
{
    watch *own = user;
    if (event->type == ACURAST_EVENT_PAYLOAD)
        atomic_fetch_add(&own->payloads, 1);
    else if (event->type == ACURAST_EVENT_REQUEST)
        (void)acurast_client_answer(own->client, event->operation, event->payload, event->payload_size);
    else if (is_outcome(event->type) && event->token < OUTCOMES_MAX)
        atomic_fetch_add(&own->outcomes[event->token], 1);
    else if (event->type == ACURAST_EVENT_STATE && event->state == ACURAST_STATE_CLOSED)
        atomic_fetch_add(&own->closed, 1);
}

static void on_destroy(void *user)
{
    atomic_fetch_add(&((watch *)user)->destroyed, 1);
}

static bool is_fine(acurast_status status)
{
    return status == ACURAST_OK || status == ACURAST_NO_MEMORY;
}

static acurast_options *make_options(acurast_option_scope scope, const char *const *pairs)
{
    acurast_options *options = NULL;
    acurast_status status = acurast_options_create(scope, &options);
    for (; status == ACURAST_OK && *pairs; pairs += 2)
        status = acurast_options_set(options, pairs[0], pairs[1]);
    assert_true(is_fine(status));
    if (status == ACURAST_OK)
        return options;
    acurast_options_release(options);
    return NULL;
}

static acurast_service *make_service(acurast_context *context)
{
    acurast_service *service = NULL;
    acurast_options *options =
        make_options(ACURAST_SCOPE_SERVICE, KIT_PAIRS("listen", "127.0.0.1:0", "drain-time", "1s"));
    if (!options)
        return NULL;
    acurast_status status = acurast_service_create(context, options, &service);
    acurast_options_release(options);
    assert_true(is_fine(status));
    for (int tries = 0; status == ACURAST_OK && tries < 2; tries++) {
        acurast_status started = acurast_service_start(service);
        if (started == ACURAST_OK)
            return service;
        assert_true(started == ACURAST_NO_MEMORY || started == ACURAST_SYSTEM);
    }
    acurast_service_release(service);
    return NULL;
}

static acurast_client *make_client(acurast_context *context, const char *url, acurast_identity *identity, watch *own)
{
    acurast_client *client = NULL;
    acurast_options *options =
        make_options(ACURAST_SCOPE_CLIENT, KIT_PAIRS("url", url, KIT_EAGER, "reconnect-when-replaced", "on"));
    if (!options)
        return NULL;
    acurast_status status = acurast_client_create(context, options, identity, &client);
    acurast_options_release(options);
    assert_true(is_fine(status));
    if (status != ACURAST_OK)
        return NULL;
    if (own) {
        own->client = client;
        assert_int_equal(acurast_client_set_callback(client, on_event, own, on_destroy), ACURAST_OK);
        assert_true(is_fine(acurast_client_serve(client, "echo", 0)));
    }
    status = acurast_client_connect(client);
    assert_true(is_fine(status) || status == ACURAST_SYSTEM);
    if (status == ACURAST_OK)
        assert_int_equal(acurast_client_wait(client, DEADLINE_MS), ACURAST_OK);
    return client;
}

static void send_some(watch *own, const uint8_t *recipient, const char *what, size_t size)
{
    for (unsigned i = 0; i < 8; i++) {
        uint64_t token = (uint64_t)i + (size > 1000 ? 8 : 0) + (recipient == acurast_client_id(own->client) ? 16 : 0);
        acurast_send_params params = {.size = sizeof params, .token = token, .until = size == 5 ? i % 3 : 0};
        uint64_t operation = 0;
        acurast_status status =
            acurast_client_send(own->client, recipient, ACURAST_ID_SIZE, what, size, &params, &operation);
        assert_true(is_fine(status) || status == ACURAST_BAD_STATE);
        own->expected[token] += status == ACURAST_OK;
        if (status == ACURAST_OK && i == 7)
            assert_true(is_fine(acurast_client_cancel(own->client, operation)));
    }
}

/* One request to two, of which one is away. */
static void ask_many(watch *own, const uint8_t *recipient)
{
    uint8_t ids[2][ACURAST_ID_SIZE] = {{1}};
    acurast_many_params params = {.size = sizeof params, .token = 44, .timeout_ms = 300, .need = 1, .agree = 1};
    memcpy(ids[1], recipient, ACURAST_ID_SIZE);
    acurast_status status = acurast_client_request_many(own->client, ids[0], 2, "echo", "[1]", 3, &params, NULL);
    assert_true(is_fine(status) || status == ACURAST_BAD_STATE);
    own->expected[params.token] += status == ACURAST_OK;
}

/* Requests, of which one is of an unknown method, and a look. */
static void ask_some(watch *own, const uint8_t *recipient)
{
    static const char *const methods[] = {"echo", "unknown", "echo"};
    for (uint64_t i = 0; i < ARRAY_SIZE(methods); i++) {
        acurast_request_params params = {.size = sizeof params, .token = 40 + i, .timeout_ms = 300};
        acurast_status status =
            acurast_client_request(own->client, recipient, ACURAST_ID_SIZE, methods[i], "[1]", 3, &params, NULL);
        assert_true(is_fine(status) || status == ACURAST_BAD_STATE);
        own->expected[params.token] += status == ACURAST_OK;
    }
    acurast_send_params params = {.size = sizeof params, .token = 43, .timeout_ms = 300};
    acurast_status status = acurast_client_look(own->client, recipient, 1, &params, NULL);
    assert_true(is_fine(status) || status == ACURAST_BAD_STATE);
    own->expected[params.token] += status == ACURAST_OK;
    ask_many(own, recipient);
}

static void drain_queue(acurast_queue *queue)
{
    acurast_event_view views[16] = {{.size = sizeof views[0]}};
    size_t count;
    while (acurast_queue_take(queue, views, 16, 20, &count) == ACURAST_OK && count)
        acurast_queue_done(queue);
}

/* Another client of the same context, by queue, with a key of its own or of one that is connected. */
static void visit(acurast_context *context, const char *url, acurast_identity *identity, const uint8_t *recipient)
{
    acurast_queue *queue = NULL;
    acurast_client *client = NULL;
    acurast_options *options = make_options(ACURAST_SCOPE_CLIENT, KIT_PAIRS("url", url, KIT_EAGER, "linger", "200ms"));
    assert_true(is_fine(acurast_queue_create(context, 4, 0, &queue)) || !queue);
    if (options && queue && acurast_client_create(context, options, identity, &client) == ACURAST_OK) {
        assert_int_equal(acurast_client_set_queue(client, queue, 7), ACURAST_OK);
        if (acurast_client_connect(client) == ACURAST_OK) {
            (void)acurast_client_wait(client, DEADLINE_MS);
            (void)acurast_client_send(client, recipient, ACURAST_ID_SIZE, "visit", 5, NULL, NULL);
            drain_queue(queue);
        }
    }
    acurast_client_release(client);
    acurast_options_release(options);
    acurast_queue_release(queue);
}

static void use_service(acurast_service *service)
{
    size_t size = 0;
    assert_true(is_fine(acurast_service_metrics(service, NULL, &size)));
    assert_true(is_fine(acurast_service_reload(service)));
}

static void judge(const watch *own)
{
    for (size_t i = 0; i < OUTCOMES_MAX; i++)
        assert_int_equal(atomic_load(&own->outcomes[i]), own->expected[i]);
    if (!own->client)
        return;
    assert_int_equal(atomic_load(&own->closed), 1);
    assert_int_equal(atomic_load(&own->destroyed), 1);
}

static void talk(acurast_context *context, acurast_service *service, watch *left, watch *right)
{
    static char large[200000];
    const char *url = acurast_service_url(service);
    acurast_identity *identity = NULL;
    assert_true(is_fine(acurast_identity_generate(ACURAST_KEY_P256, &identity)));
    acurast_client *one = make_client(context, url, identity, left), *other = make_client(context, url, NULL, right);
    if (one && other) {
        send_some(left, acurast_client_id(other), "hello", 5);
        ask_some(left, acurast_client_id(other));
        send_some(right, acurast_client_id(one), large, sizeof large);
        send_some(left, acurast_client_id(one), "to myself", 9);
        use_service(service);
        if (identity)
            visit(context, url, identity, acurast_client_id(other)); /* takes over */
        visit(context, url, NULL, acurast_client_id(other));
    }
    if (other)
        acurast_client_close(other);
    if (one && other)
        send_some(left, acurast_client_id(other), "for the mailbox", 15);
    acurast_identity_release(identity);
}

static void session(void)
{
    watch left = {0}, right = {0};
    acurast_context *context = NULL;
    acurast_options *options = make_options(ACURAST_SCOPE_CONTEXT, KIT_PAIRS("threads", "2", "log-level", "debug"));
    acurast_status status = options ? acurast_context_create(options, &context) : ACURAST_NO_MEMORY;
    acurast_options_release(options);
    assert_true(is_fine(status));
    if (!context)
        return;
    acurast_service *service = make_service(context);
    if (service)
        talk(context, service, &left, &right);
    for (int tries = 0; acurast_context_close(context) != ACURAST_OK; tries++)
        assert_true(tries < 2);
    assert_int_equal(acurast_context_wait(context, DEADLINE_MS), ACURAST_OK);
    if (left.client && acurast_client_state(left.client) == ACURAST_STATE_IDLE)
        acurast_client_close(left.client);
    if (right.client && acurast_client_state(right.client) == ACURAST_STATE_IDLE)
        acurast_client_close(right.client);
    judge(&left);
    judge(&right);
    acurast_client_release(left.client);
    acurast_client_release(right.client);
    acurast_service_release(service);
    acurast_context_release(context);
}

/* True where the n-th allocation was made, and failed. */
static bool fail_in_session(long n)
{
    acurast__memory_fail_at(n);
    session();
    bool reached = true;
    for (long i = 0; i < n && reached; i++) {
        void *block = acurast__alloc(1);
        reached = block != NULL;
        acurast__free(block);
    }
    acurast__memory_fail_at(0);
    return reached;
}

static long step_by_argument = 1, first_by_argument = 1;

static void each_allocation_fails_once(void **state)
{
    (void)state;
    uint64_t end = kit_now_ms() + 100000;
    long n = first_by_argument;
    while (kit_now_ms() < end) {
        int64_t before = acurast_live_objects();
        if (!fail_in_session(n))
            break;
        if (acurast_live_objects() != before) {
            fprintf(stderr, "allocation %ld: %lld objects left\n", n, (long long)(acurast_live_objects() - before));
            fail();
        }
        n += step_by_argument;
    }
    fprintf(stderr, "allocations from %ld to %ld, each %ld\n", first_by_argument, n, step_by_argument);
}

/* ---- many fail ---- */

typedef struct storm {
    watch *left, *right;
    atomic_bool stop;
    uint64_t seed;
} storm;

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void *make_fail(void *argument)
{
    storm *own = argument;
    uint64_t seed = own->seed;
    while (!atomic_load(&own->stop)) {
        acurast__memory_fail_at((long)(1 + next_random(&seed) % 20));
        nanosleep(&(struct timespec){.tv_nsec = (long)(next_random(&seed) % 400000)}, NULL);
    }
    acurast__memory_fail_at(0);
    return NULL;
}

/* Sends in storm and calm; outcomes are counted together under the token 0. */
static void *send_through(void *argument)
{
    static char payload[70000];
    storm *own = argument;
    uint64_t seed = own->seed ^ 0x5555;
    acurast_send_params params = {.size = sizeof params};
    while (!atomic_load(&own->stop)) {
        size_t size = (size_t)(next_random(&seed) % (next_random(&seed) % 8 ? 500 : sizeof payload));
        acurast_status status = acurast_client_send(own->left->client, acurast_client_id(own->right->client),
                                                    ACURAST_ID_SIZE, payload, size, &params, NULL);
        own->left->expected[0] += status == ACURAST_OK;
        if (status == ACURAST_OUTBOX_FULL || next_random(&seed) % 32 == 0)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return NULL;
}

static void all_works_after_a_storm(void **state)
{
    (void)state;
    watch left = {0}, right = {0};
    storm own = {.left = &left, .right = &right, .seed = 0x2545f4914f6cdd1d};
    acurast_context *context = kit_context("2");
    acurast_service *service = kit_service(context, 0, NULL);
    assert_non_null(make_client(context, acurast_service_url(service), NULL, &left));
    assert_non_null(make_client(context, acurast_service_url(service), NULL, &right));
    pthread_t failing, sending;
    assert_int_equal(pthread_create(&failing, NULL, make_fail, &own), 0);
    assert_int_equal(pthread_create(&sending, NULL, send_through, &own), 0);
    nanosleep(&(struct timespec){.tv_sec = 4}, NULL);
    atomic_store(&own.stop, true);
    pthread_join(failing, NULL);
    pthread_join(sending, NULL);
    assert_int_equal(acurast_client_wait(left.client, DEADLINE_MS), ACURAST_OK);
    assert_int_equal(acurast_client_wait(right.client, DEADLINE_MS), ACURAST_OK);
    KIT_EVENTUALLY(atomic_load(&left.outcomes[0]) == left.expected[0]);
    int before = atomic_load(&right.payloads);
    acurast_send_params params = {.size = sizeof params};
    assert_int_equal(
        acurast_client_send(left.client, acurast_client_id(right.client), ACURAST_ID_SIZE, "calm", 4, &params, NULL),
        ACURAST_OK);
    left.expected[0]++;
    KIT_EVENTUALLY(atomic_load(&right.payloads) > before);
    acurast_client_close(left.client);
    acurast_client_close(right.client);
    KIT_EVENTUALLY(atomic_load(&left.destroyed) && atomic_load(&right.destroyed));
    judge(&left);
    judge(&right);
    acurast_client_release(left.client);
    acurast_client_release(right.client);
    acurast_service_release(service);
    kit_context_end(context);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(each_allocation_fails_once),
        KIT_TEST(all_works_after_a_storm),
    };
    kit_child_main(argc, argv);
    if (argc > 1)
        first_by_argument = atol(argv[1]);
    if (argc > 2)
        step_by_argument = atol(argv[2]);
    if (first_by_argument > 1)
        cmocka_set_test_filter("each_allocation_fails_once");
    return cmocka_run_group_tests(tests, kit_warm_up, NULL);
}
