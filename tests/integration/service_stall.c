/*
 * A loop of the service that does not turn: here a callback holds it up. The others go on, and tell of it: acurast_service_stalled(),
 * /readyz and a figure.
 */
#include "support/client_kit.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define STALL_MS 5000

/* Holds up the thread that delivers LISTENING, the service's first, until the test lets it go. */
typedef struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
} gate;

static void on_listening(kit_log *log, const acurast_event_view *event)
{
    gate *g = log->data;
    if (event->type != ACURAST_EVENT_STATE || event->state != ACURAST_STATE_LISTENING)
        return;
    pthread_mutex_lock(&g->lock);
    while (!g->open)
        pthread_cond_wait(&g->changed, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

static void let_go(gate *g)
{
    pthread_mutex_lock(&g->lock);
    g->open = true;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

/* The answer to a GET, whole; false where nobody answers within half a second: the connection went to the loop that hangs. */
static bool get(uint16_t port, const char *path, char *answer, size_t capacity)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval patience = {.tv_usec = 500000};
    char request[128];
    size_t size = 0;
    ssize_t n;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0 && send(fd, request, strlen(request), MSG_NOSIGNAL) > 0)
        while (size + 1 < capacity && (n = recv(fd, answer + size, capacity - size - 1, 0)) > 0)
            size += (size_t)n;
    close(fd);
    answer[size] = 0;
    return size > 0;
}

/* Asks until a loop answers that turns. */
static const char *page(acurast_service *service, const char *path)
{
    static char answer[65536];
    for (int i = 0; i < 60; i++)
        if (get(acurast_service_port(service), path, answer, sizeof answer))
            return answer;
    fail_msg("nobody answers %s", path);
    return "";
}

static uint64_t figure(const char *metrics)
{
    const char *line = strstr(metrics, "\nacurast_stalled_seconds ");
    assert_non_null(line);
    return strtoull(line + strlen("\nacurast_stalled_seconds "), NULL, 10);
}

static void a_loop_that_hangs_is_told_by_the_others(void **state)
{
    (void)state;
    gate g = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    kit_log log;
    unsigned thread = 77;
    acurast_context *context = kit_context("2");
    acurast_options *options = kit_options(ACURAST_SCOPE_SERVICE, KIT_PAIRS("listen", "127.0.0.1:0"));
    acurast_service *service = NULL;
    assert_int_equal(acurast_service_create(context, options, &service), ACURAST_OK);
    acurast_options_release(options);
    assert_int_equal(acurast_service_stalled(service, &thread), 0); /* it has no threads yet */
    kit_log_init(&log);
    log.hook = on_listening;
    log.data = &g;
    assert_int_equal(acurast_service_set_callback(service, kit_on_event, &log, kit_on_destroy), ACURAST_OK);
    assert_int_equal(acurast_service_start(service), ACURAST_OK);
    assert_true(kit_wait_state(&log, ACURAST_STATE_LISTENING, 1));

    KIT_EVENTUALLY(acurast_service_stalled(service, &thread) >= STALL_MS);
    assert_int_equal(thread, 0);
    const char *answer = page(service, "/readyz");
    assert_memory_equal(answer, "HTTP/1.1 503", 12);
    assert_non_null(strstr(answer, "not ready: thread 0 has not turned for "));
    assert_true(figure(page(service, "/metrics")) >= STALL_MS / 1000);

    let_go(&g);
    KIT_EVENTUALLY(!acurast_service_stalled(service, NULL));
    assert_non_null(strstr(page(service, "/readyz"), "200 OK"));
    assert_int_equal(figure(page(service, "/metrics")), 0);
    assert_int_equal(acurast_service_stalled(NULL, NULL), 0);
    assert_int_equal(acurast_service_close(service), ACURAST_OK);
    assert_int_equal(acurast_service_wait(service, DEADLINE_MS), ACURAST_OK);
    assert_int_equal(acurast_service_stalled(service, NULL), 0);
    acurast_service_release(service);
    kit_context_end(context);
    kit_log_clear(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(a_loop_that_hangs_is_told_by_the_others),
    };
    return cmocka_run_group_tests(tests, kit_warm_up, NULL);
}
