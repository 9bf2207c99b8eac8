/*
 * What the tests of clients share: an event log that any thread can wait on, services in the process and in a child,
 * and the check that a test leaves nothing behind.
 *
 * Callbacks never assert (cmocka leaves a test by longjmp, which only its own thread may do): they record, the test judges.
 */
#ifndef TESTS_SUPPORT_CLIENT_KIT_H
#define TESTS_SUPPORT_CLIENT_KIT_H

#include "support/unit.h"

#include <acurast/acurast.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Generous: sanitizers are slow, and a test that waits in vain fails anyway. */
#define DEADLINE_MS 30000

extern char **environ;

static inline uint64_t kit_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static inline void kit_pause(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Waits for a condition that no event tells of. */
#define KIT_EVENTUALLY(condition)                                                                                      \
    do {                                                                                                               \
        uint64_t kit_end = kit_now_ms() + DEADLINE_MS;                                                                 \
        while (!(condition) && kit_now_ms() < kit_end)                                                                 \
            kit_pause();                                                                                               \
        assert_true(condition);                                                                                        \
    } while (0)

/* ---- the log of events ---- */

typedef struct kit_event {
    acurast_event_view view;
    uint8_t sender[ACURAST_ID_SIZE];
    unsigned char *payload; /* with a NUL behind it */
    char text[256];
    pthread_t thread;
} kit_event;

struct kit_log;
typedef void (*kit_hook)(struct kit_log *log, const acurast_event_view *event);

typedef struct kit_log {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    kit_event **events; /* each of its own, so that it stays where it is */
    size_t count;
    size_t capacity;
    int destroyed; /* how often the destructor ran */
    kit_hook hook; /* runs in the callback, after recording, with no lock held */
    void *data;    /* the hook's */
    acurast_client *client;
} kit_log;

static inline void kit_log_init(kit_log *log)
{
    pthread_condattr_t attributes;
    memset(log, 0, sizeof *log);
    pthread_mutex_init(&log->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&log->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

static inline void kit_log_clear(kit_log *log)
{
    for (size_t i = 0; i < log->count; i++)
        free(log->events[i]->payload), free(log->events[i]);
    free(log->events);
    pthread_cond_destroy(&log->changed);
    pthread_mutex_destroy(&log->lock);
}

static inline void kit_record(kit_log *log, const acurast_event_view *event)
{
    pthread_mutex_lock(&log->lock);
    if (log->count == log->capacity) {
        log->capacity = log->capacity ? 2 * log->capacity : 64;
        log->events = realloc(log->events, log->capacity * sizeof *log->events);
    }
    kit_event *kept = calloc(1, sizeof *kept);
    log->events[log->count] = kept;
    kept->view = *event;
    kept->thread = pthread_self();
    snprintf(kept->text, sizeof kept->text, "%s", event->text);
    if (event->sender)
        memcpy(kept->sender, event->sender, ACURAST_ID_SIZE);
    if (event->payload) {
        kept->payload = malloc(event->payload_size + 1);
        memcpy(kept->payload, event->payload, event->payload_size);
        kept->payload[event->payload_size] = 0;
    }
    log->count++;
    pthread_cond_broadcast(&log->changed);
    pthread_mutex_unlock(&log->lock);
}

static inline void kit_on_event(void *user, const acurast_event_view *event)
{
    kit_log *log = user;
    kit_record(log, event);
    if (log->hook)
        log->hook(log, event);
}

static inline void kit_on_destroy(void *user)
{
    kit_log *log = user;
    pthread_mutex_lock(&log->lock);
    log->destroyed++;
    pthread_cond_broadcast(&log->changed);
    pthread_mutex_unlock(&log->lock);
}

/* An event to look for: those members that are not 0 must be equal; `status` counts where `with_status` is set. */
typedef struct kit_pattern {
    acurast_event_type type;
    acurast_state state;
    bool with_status;
    acurast_status status;
    uint64_t operation;
} kit_pattern;

static inline bool kit_matches(const kit_event *event, const kit_pattern *pattern)
{
    return event->view.type == pattern->type && (!pattern->state || event->view.state == pattern->state) &&
           (!pattern->with_status || event->view.status == pattern->status) &&
           (!pattern->operation || event->view.operation == pattern->operation);
}

static inline size_t kit_count_locked(const kit_log *log, const kit_pattern *pattern)
{
    size_t count = 0;
    for (size_t i = 0; i < log->count; i++)
        count += kit_matches(log->events[i], pattern);
    return count;
}

static inline size_t kit_count(kit_log *log, kit_pattern pattern)
{
    pthread_mutex_lock(&log->lock);
    size_t count = kit_count_locked(log, &pattern);
    pthread_mutex_unlock(&log->lock);
    return count;
}

static inline struct timespec kit_deadline(int ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* True once there are at least so many that match. */
static inline bool kit_wait(kit_log *log, kit_pattern pattern, size_t count)
{
    struct timespec deadline = kit_deadline(DEADLINE_MS);
    int result = 0;
    pthread_mutex_lock(&log->lock);
    while (kit_count_locked(log, &pattern) < count && result != ETIMEDOUT)
        result = pthread_cond_timedwait(&log->changed, &log->lock, &deadline);
    bool found = kit_count_locked(log, &pattern) >= count;
    pthread_mutex_unlock(&log->lock);
    return found;
}

static inline bool kit_wait_state(kit_log *log, acurast_state state, size_t count)
{
    return kit_wait(log, (kit_pattern){.type = ACURAST_EVENT_STATE, .state = state}, count);
}

static inline bool kit_wait_destroyed(kit_log *log)
{
    struct timespec deadline = kit_deadline(DEADLINE_MS);
    int result = 0;
    pthread_mutex_lock(&log->lock);
    while (!log->destroyed && result != ETIMEDOUT)
        result = pthread_cond_timedwait(&log->changed, &log->lock, &deadline);
    bool done = log->destroyed > 0;
    pthread_mutex_unlock(&log->lock);
    return done;
}

/* The n-th event that matches, from 0; valid until the log is cleared. */
static inline const kit_event *kit_find(kit_log *log, kit_pattern pattern, size_t n)
{
    const kit_event *found = NULL;
    pthread_mutex_lock(&log->lock);
    for (size_t i = 0; i < log->count && !found; i++)
        if (kit_matches(log->events[i], &pattern) && n-- == 0)
            found = log->events[i];
    pthread_mutex_unlock(&log->lock);
    return found;
}

/* ---- objects ---- */

static inline acurast_context *kit_context(const char *threads)
{
    acurast_context *context;
    acurast_options *options;
    assert_int_equal(acurast_options_create(ACURAST_SCOPE_CONTEXT, &options), ACURAST_OK);
    assert_int_equal(acurast_options_set(options, "threads", threads), ACURAST_OK);
    assert_int_equal(acurast_context_create(options, &context), ACURAST_OK);
    acurast_options_release(options);
    return context;
}

/* Closes, waits for all threads, and gives the handle back. */
static inline void kit_context_end(acurast_context *context)
{
    assert_int_equal(acurast_context_close(context), ACURAST_OK);
    assert_int_equal(acurast_context_wait(context, DEADLINE_MS), ACURAST_OK);
    acurast_context_release(context);
}

/* Options in pairs of name and value, ended by NULL. */
static inline acurast_options *kit_options(acurast_option_scope scope, const char *const *pairs)
{
    acurast_options *options;
    assert_int_equal(acurast_options_create(scope, &options), ACURAST_OK);
    for (; pairs && *pairs; pairs += 2)
        assert_int_equal(acurast_options_set(options, pairs[0], pairs[1]), ACURAST_OK);
    return options;
}

#define KIT_PAIRS(...) ((const char *const[]){__VA_ARGS__, NULL})

static inline acurast_service *kit_service(acurast_context *context, uint16_t port, const char *const *pairs)
{
    acurast_service *service;
    char listen[32];
    acurast_options *options = kit_options(ACURAST_SCOPE_SERVICE, pairs);
    snprintf(listen, sizeof listen, "127.0.0.1:%u", port);
    assert_int_equal(acurast_options_set(options, "listen", listen), ACURAST_OK);
    assert_int_equal(acurast_service_create(context, options, &service), ACURAST_OK);
    acurast_options_release(options);
    assert_int_equal(acurast_service_start(service), ACURAST_OK);
    return service;
}

static inline void kit_service_end(acurast_service *service)
{
    assert_int_equal(acurast_service_close(service), ACURAST_OK);
    assert_int_equal(acurast_service_wait(service, DEADLINE_MS), ACURAST_OK);
    acurast_service_release(service);
}

/* Reconnects quickly, so that a test does not wait for backoffs. */
#define KIT_EAGER "backoff-min", "5ms", "backoff-max", "50ms"

/* `url` may name several. Events go to `log`, or nowhere where it is NULL. Not connected. */
static inline acurast_client *kit_client(acurast_context *context, const char *url, acurast_identity *identity,
                                         const char *const *pairs, kit_log *log)
{
    acurast_client *client;
    acurast_options *options = kit_options(ACURAST_SCOPE_CLIENT, pairs);
    assert_int_equal(acurast_options_set(options, "url", url), ACURAST_OK);
    assert_int_equal(acurast_client_create(context, options, identity, &client), ACURAST_OK);
    acurast_options_release(options);
    if (log) {
        log->client = client;
        assert_int_equal(acurast_client_set_callback(client, kit_on_event, log, kit_on_destroy), ACURAST_OK);
    }
    return client;
}

static inline acurast_client *kit_connected(acurast_context *context, const char *url, const char *const *pairs,
                                            kit_log *log)
{
    acurast_client *client = kit_client(context, url, NULL, pairs, log);
    assert_int_equal(acurast_client_connect(client), ACURAST_OK);
    assert_int_equal(acurast_client_wait(client, DEADLINE_MS), ACURAST_OK);
    return client;
}

/* Closes a client with a log, waits until it told so, and gives the handle back. */
static inline void kit_client_end(acurast_client *client, kit_log *log)
{
    assert_int_equal(acurast_client_close(client), ACURAST_OK);
    assert_true(kit_wait_state(log, ACURAST_STATE_CLOSED, 1));
    assert_true(kit_wait_destroyed(log));
    acurast_client_release(client);
}

static inline acurast_status kit_send(acurast_client *client, const uint8_t *recipient, const char *text,
                                      uint64_t *operation)
{
    return acurast_client_send(client, recipient, ACURAST_ID_SIZE, text, strlen(text), NULL, operation);
}

/* ---- nothing is left behind ---- */

static inline int kit_count_entries(const char *folder)
{
    DIR *entries = opendir(folder);
    int count = 0;
    if (!entries)
        return 0; /* not Linux: nothing to compare */
    while (readdir(entries))
        count++;
    closedir(entries);
    return count;
}

typedef struct kit_baseline {
    int64_t objects;
    int descriptors;
    int threads;
} kit_baseline;

static kit_baseline kit_before;

static inline kit_baseline kit_measure(void)
{
    return (kit_baseline){.objects = acurast_live_objects(),
                          .descriptors = kit_count_entries("/proc/self/fd"),
                          .threads = kit_count_entries("/proc/self/task")};
}

static inline int kit_setup(void **state)
{
    (void)state;
    kit_before = kit_measure();
    return 0;
}

static inline void kit_list_descriptors(void)
{
    char path[64], target[128];
    for (int descriptor = 0; descriptor < 256; descriptor++) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
        ssize_t size = readlink(path, target, sizeof target - 1);
        if (size > 0)
            fprintf(stderr, "  %d is %.*s\n", descriptor, (int)size, target);
    }
}

/* Threads of a context that was only released end a moment later. */
static inline int kit_teardown(void **state)
{
    uint64_t end = kit_now_ms() + DEADLINE_MS;
    kit_baseline after;
    (void)state;
    do {
        after = kit_measure();
        if (after.objects == kit_before.objects && after.descriptors == kit_before.descriptors &&
            after.threads == kit_before.threads)
            return 0;
        kit_pause();
    } while (kit_now_ms() < end);
    fprintf(stderr, "left behind: objects %lld -> %lld, descriptors %d -> %d, threads %d -> %d\n",
            (long long)kit_before.objects, (long long)after.objects, kit_before.descriptors, after.descriptors,
            kit_before.threads, after.threads);
    kit_list_descriptors();
    return 1;
}

#define KIT_TEST(function) cmocka_unit_test_setup_teardown(function, kit_setup, kit_teardown)

/* Once before all tests: what the process keeps for ever (by libcrypto) is made, so that it is in the baseline. */
static inline int kit_warm_up(void **state)
{
    (void)state;
    int threads = kit_count_entries("/proc/self/task");
    acurast_context *context = kit_context("1");
    acurast_service *service = kit_service(context, 0, NULL);
    acurast_client *client = kit_connected(context, acurast_service_url(service), NULL, NULL);
    acurast_client *secure;
    acurast_options *options = kit_options(ACURAST_SCOPE_CLIENT, KIT_PAIRS("url", "wss://127.0.0.1:9"));
    acurast_client_release(client);
    if (acurast_client_create(context, options, NULL, &secure) == ACURAST_OK) /* else there are no certificates here */
        acurast_client_release(secure);
    acurast_options_release(options);
    kit_service_end(service);
    kit_context_end(context);
    /* One that was joined may be listed a little longer. */
    KIT_EVENTUALLY(kit_count_entries("/proc/self/task") <= threads + SANITIZER_THREADS);
    return 0;
}

/* ---- a service in a process of its own, to be killed ---- */

typedef struct kit_child {
    pid_t pid;
    uint16_t port;
    int link; /* a socket that ends with either side */
    char url[64];
} kit_child;

/* The child's side of it: call it first in main(); it does not return in a child. */
static inline void kit_child_main(int argc, char **argv)
{
    if (argc != 4 || strcmp(argv[1], "--kit-service") != 0)
        return;
    acurast_context *context = NULL;
    acurast_service *service = NULL;
    acurast_options *options = NULL;
    int descriptor = atoi(argv[3]);
    char byte;
    acurast_context_create(NULL, &context);
    acurast_options_create(ACURAST_SCOPE_SERVICE, &options);
    acurast_options_set(options, "listen", argv[2]);
    acurast_options_set(options, "max-frame", "64MiB");
    if (acurast_service_create(context, options, &service) != ACURAST_OK ||
        acurast_service_start(service) != ACURAST_OK)
        _exit(1);
    uint16_t port = acurast_service_port(service);
    if (write(descriptor, &port, sizeof port) != sizeof port)
        _exit(1);
    while (read(descriptor, &byte, 1) < 0 && errno == EINTR) /* until the parent is gone */
        ;
    _exit(0);
}

/* `port` 0 takes a free one. The child ends with its parent, or by kit_child_kill(). */
static inline kit_child kit_child_start(uint16_t port)
{
    kit_child child = {0};
    int ends[2];
    char listen[32], descriptor[16];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    snprintf(listen, sizeof listen, "127.0.0.1:%u", port);
    snprintf(descriptor, sizeof descriptor, "%d", ends[1]);
    char *arguments[] = {"test", "--kit-service", listen, descriptor, NULL};
    assert_int_equal(posix_spawn(&child.pid, "/proc/self/exe", NULL, NULL, arguments, environ), 0);
    close(ends[1]);
    assert_int_equal(read(ends[0], &child.port, sizeof child.port), sizeof child.port);
    child.link = ends[0];
    snprintf(child.url, sizeof child.url, "ws://127.0.0.1:%u", child.port);
    return child;
}

/* Freezes it, and returns when it is frozen. */
static inline void kit_child_stop(const kit_child *child)
{
    int status = 0;
    kill(child->pid, SIGSTOP);
    while (waitpid(child->pid, &status, WUNTRACED) < 0 && errno == EINTR)
        ;
    assert_true(WIFSTOPPED(status));
}

static inline void kit_child_kill(kit_child *child)
{
    kill(child->pid, SIGKILL);
    while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    close(child->link);
}

#endif
