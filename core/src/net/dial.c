/*
 * An address is fresh, ringing, or over. The one that connects ends the ringing of the others, which are fresh again: they may still be needed, where a
 * machine takes connections and the service on it is broken.
 */
#include "net/dial.h"

#include "base/memory.h"
#include "net/socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void on_turn(acurast__timer *timer);
static void on_silence(acurast__timer *timer);

void acurast__dial_init(acurast__dial *dial, acurast__loop *loop, uint16_t port, uint32_t timeout_ms)
{
    *dial = (acurast__dial){.loop = loop, .port = port, .timeout_ms = timeout_ms};
    acurast__timer_init(&dial->turn, on_turn);
    for (size_t i = 0; i < ACURAST__DIAL_MOST; i++) {
        dial->tried[i].dial = dial;
        dial->tried[i].socket = -1;
        acurast__timer_init(&dial->tried[i].timer, on_silence);
    }
}

/* The next address from `from` on that is, or is not, of IPv4. */
static size_t find_family(const acurast__address *addresses, size_t count, size_t from, bool four)
{
    while (from < count && acurast__address_is_four(&addresses[from]) != four)
        from++;
    return from;
}

static void add(acurast__dial *dial, const acurast__address *address)
{
    for (size_t i = 0; i < dial->count; i++)
        if (memcmp(&dial->tried[i].address, address, sizeof *address) == 0)
            return;
    dial->tried[dial->count++].address = *address;
}

void acurast__dial_set(acurast__dial *dial, const acurast__address *addresses, size_t count)
{
    size_t next[2] = {find_family(addresses, count, 0, false), find_family(addresses, count, 0, true)};
    bool four = count && acurast__address_is_four(&addresses[0]);
    while (dial->count < ACURAST__DIAL_MOST && (next[0] < count || next[1] < count)) {
        if (next[four] < count) {
            add(dial, &addresses[next[four]]);
            next[four] = find_family(addresses, count, next[four] + 1, four);
        }
        four = !four;
    }
}

/* ---- one address ---- */

/* The socket stays open. */
static void stop_ringing(acurast__dialled *one)
{
    acurast__loop_timer_stop(one->dial->loop, &one->timer);
    if (one->poll)
        acurast__loop_unwatch(one->poll);
    one->poll = NULL;
}

static void hang_up(acurast__dialled *one)
{
    stop_ringing(one);
    if (one->socket >= 0)
        close(one->socket);
    one->socket = -1;
}

static void set_problem(acurast__dialled *one, acurast_status status, const char *problem)
{
    one->state = ACURAST__DIAL_OVER;
    one->status = status;
    snprintf(one->problem, sizeof one->problem, "%s", problem);
}

static const char *words_of(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return "connection refused: nothing listens there";
    case ENETUNREACH:
        return "there is no way to that network";
    case EHOSTUNREACH:
        return "there is no way to that host";
    case ETIMEDOUT:
        return "no answer in time";
    case ECONNRESET:
        return "the connection was reset";
    case EMFILE:
    case ENFILE:
        return "no descriptor is left for a socket";
    case EADDRNOTAVAIL:
        return "no address or port of this machine is left for it";
    case ENOMEM:
    case ENOBUFS:
        return "out of memory";
    case EACCES:
    case EPERM:
        return "this machine does not allow it";
    default:
        return NULL;
    }
}

static acurast_status status_of(int error)
{
    bool memory = error == ENOMEM || error == ENOBUFS;
    return error == ETIMEDOUT ? ACURAST_TIMEOUT : memory ? ACURAST_NO_MEMORY : ACURAST_CONNECT;
}

static void fail_with(acurast__dialled *one, int error)
{
    const char *words = words_of(error);
    char text[ACURAST__DIAL_PROBLEM_SIZE];
    hang_up(one);
    if (!words)
        words = uv_strerror_r(uv_translate_sys_error(error), text, sizeof text);
    set_problem(one, status_of(error), words);
}

static void connected(acurast__dialled *one)
{
    acurast__dial *dial = one->dial;
    int socket = one->socket;
    stop_ringing(one);
    one->socket = -1;
    set_problem(one, ACURAST_OK, "");
    acurast__dial_stop(dial);
    dial->connected(dial, socket, acurast__loop_now(dial->loop) - one->since);
}

/*
 * Where nobody listens at a port that the system also gives to clients, it may give a client that very port, which TCP then connects with itself
 * (RFC 9293, 3.5).
 */
static bool is_itself(int socket)
{
    struct sockaddr_storage own = {0}, peer = {0};
    socklen_t own_size = sizeof own, peer_size = sizeof peer;
    return getsockname(socket, (struct sockaddr *)&own, &own_size) == 0 &&
           getpeername(socket, (struct sockaddr *)&peer, &peer_size) == 0 && own_size == peer_size &&
           memcmp(&own, &peer, own_size) == 0;
}

static void on_answer(uv_poll_t *poll, int status, int events)
{
    acurast__dialled *one = poll->data;
    int error = 0;
    socklen_t size = sizeof error;
    (void)status, (void)events;
    if (getsockopt(one->socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    if (!error && is_itself(one->socket))
        error = ECONNREFUSED;
    if (!error) {
        connected(one);
        return;
    }
    fail_with(one, error);
    acurast__dial_go(one->dial);
}

static void on_silence(acurast__timer *timer)
{
    acurast__dialled *one = ACURAST__CONTAINER(timer, acurast__dialled, timer);
    fail_with(one, ETIMEDOUT);
    acurast__dial_go(one->dial);
}

/* 0, or what is wrong. */
static int ring(acurast__dialled *one)
{
    struct sockaddr_storage to;
    bool four = acurast__address_is_four(&one->address);
    socklen_t size = acurast__socket_address(&one->address, four, one->dial->port, &to);
    one->state = ACURAST__DIAL_RINGING;
    one->since = acurast__loop_now(one->dial->loop);
    one->socket = acurast__socket_open(to.ss_family);
    if (one->socket < 0)
        return errno;
    if (connect(one->socket, (struct sockaddr *)&to, size) != 0 && errno != EINPROGRESS)
        return errno;
    one->poll = acurast__loop_watch(one->dial->loop, one->socket, one);
    if (!one->poll)
        return ENOMEM;
    uv_poll_start(one->poll, UV_WRITABLE, on_answer);
    acurast__loop_timer_start(one->dial->loop, &one->timer, one->dial->timeout_ms);
    return 0;
}

/* ---- all of them ---- */

static acurast__dialled *find_state(acurast__dial *dial, int state)
{
    for (size_t i = 0; i < dial->count; i++)
        if ((int)dial->tried[i].state == state)
            return &dial->tried[i];
    return NULL;
}

/* One more address, until one rings. */
static void ring_next(acurast__dial *dial)
{
    acurast__dialled *one;
    while ((one = find_state(dial, ACURAST__DIAL_FRESH))) {
        int error = ring(one);
        if (!error) {
            acurast__loop_timer_start(dial->loop, &dial->turn, ACURAST__DIAL_NEXT_MS);
            return;
        }
        fail_with(one, error);
    }
}

void acurast__dial_go(acurast__dial *dial)
{
    acurast__loop_timer_stop(dial->loop, &dial->turn);
    ring_next(dial);
    if (!find_state(dial, ACURAST__DIAL_RINGING))
        dial->failed(dial);
}

static void on_turn(acurast__timer *timer)
{
    acurast__dial_go(ACURAST__CONTAINER(timer, acurast__dial, turn));
}

void acurast__dial_stop(acurast__dial *dial)
{
    acurast__loop_timer_stop(dial->loop, &dial->turn);
    for (size_t i = 0; i < dial->count; i++) {
        acurast__dialled *one = &dial->tried[i];
        if (one->state != ACURAST__DIAL_RINGING)
            continue;
        hang_up(one);
        one->state = ACURAST__DIAL_FRESH;
    }
}

void acurast__dial_blame(acurast__dial *dial, acurast_status status, const char *problem)
{
    for (size_t i = 0; i < dial->count; i++)
        if (dial->tried[i].state == ACURAST__DIAL_OVER && !*dial->tried[i].problem)
            set_problem(&dial->tried[i], status, problem);
}

acurast_status acurast__dial_status(const acurast__dial *dial)
{
    static const acurast_status furthest[] = {ACURAST_UPGRADE, ACURAST_TLS, ACURAST_NO_MEMORY, ACURAST_CONNECT};
    for (size_t rank = 0; rank < sizeof furthest / sizeof *furthest; rank++)
        for (size_t i = 0; i < dial->count; i++)
            if (dial->tried[i].status == furthest[rank])
                return furthest[rank];
    return ACURAST_TIMEOUT;
}

void acurast__dial_tell(const acurast__dial *dial, char text[ACURAST__DIAL_TEXT_SIZE])
{
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < dial->count && used < ACURAST__DIAL_TEXT_SIZE; i++) {
        const acurast__dialled *one = &dial->tried[i];
        char address[ACURAST__ADDRESS_TEXT_SIZE];
        if (!*one->problem)
            continue;
        acurast__address_format(&one->address, address);
        used += (size_t)snprintf(text + used, ACURAST__DIAL_TEXT_SIZE - used, "%s%s: %s", used ? "; " : "", address,
                                 one->problem);
    }
}
