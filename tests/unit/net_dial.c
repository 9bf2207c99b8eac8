/* From some addresses to one connected socket: who is tried when, who wins, and what is told of the others. */
#ifdef __linux__
#define _GNU_SOURCE /* unshare */ // NOLINT(bugprone-reserved-identifier)
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#endif

#include "support/net_raw.h"
#include "support/net_world.h"

#include "net/dial.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- listeners that answer, or do not, on any address of loopback ---- */

typedef enum kind {
    ANSWERS,
    HANGS /* its queue is full: connect() comes to no end */
} kind;

typedef struct door {
    int listener;
    int filler;
} door;

static struct sockaddr_in place(const char *address, uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET, address, &at.sin_addr), 1);
    return at;
}

static door door_open(const char *address, uint16_t *port, kind how)
{
    struct sockaddr_in at = place(address, *port);
    socklen_t size = sizeof at;
    door d = {.listener = socket(AF_INET, SOCK_STREAM, 0), .filler = -1};
    assert_int_equal(bind(d.listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(d.listener, how == HANGS ? 0 : 16), 0);
    assert_int_equal(getsockname(d.listener, (struct sockaddr *)&at, &size), 0);
    *port = ntohs(at.sin_port);
    if (how == HANGS) {
        d.filler = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(d.filler, (struct sockaddr *)&at, sizeof at), 0);
    }
    return d;
}

static void door_close(door *d)
{
    close(d->listener);
    if (d->filler >= 0)
        close(d->filler);
}

/* ---- a caller ---- */

typedef struct caller {
    acurast__dial dial;
    acurast__loop *loop;
    acurast__address addresses[16];
    size_t count;
    uint16_t port;
    uint32_t timeout_ms;
    signal_box told;
    int socket; /* -1: failed */
    uint64_t took;
} caller;

static void on_connected(acurast__dial *dial, int socket, uint64_t ms)
{
    caller *c = ACURAST__CONTAINER(dial, caller, dial);
    c->socket = socket;
    c->took = ms;
    box_tell(&c->told);
}

static void on_failed(acurast__dial *dial)
{
    caller *c = ACURAST__CONTAINER(dial, caller, dial);
    c->socket = -1;
    box_tell(&c->told);
}

static void begin(void *argument)
{
    caller *c = argument;
    acurast__dial_init(&c->dial, c->loop, c->port, c->timeout_ms);
    c->dial.connected = on_connected;
    c->dial.failed = on_failed;
    acurast__dial_set(&c->dial, c->addresses, c->count);
    acurast__dial_go(&c->dial);
}

static void go_on(void *argument)
{
    acurast__dial_go(&((caller *)argument)->dial);
}

static void stop(void *argument)
{
    acurast__dial_stop(&((caller *)argument)->dial);
}

static void caller_init(caller *c, acurast__loop *loop, uint16_t port, const char *const *addresses, size_t count)
{
    memset(c, 0, sizeof *c);
    c->loop = loop;
    c->port = port;
    c->timeout_ms = 10000;
    c->count = count;
    box_init(&c->told);
    for (size_t i = 0; i < count; i++)
        assert_true(acurast__address_parse(&c->addresses[i], addresses[i]));
}

static void check_peer(int socket, const char *address)
{
    struct sockaddr_in peer;
    socklen_t size = sizeof peer;
    char text[INET_ADDRSTRLEN];
    assert_int_equal(getpeername(socket, (struct sockaddr *)&peer, &size), 0);
    assert_string_equal(inet_ntop(AF_INET, &peer.sin_addr, text, sizeof text), address);
}

/* ---- tests ---- */

static void the_families_take_turns(void **state)
{
    static const struct {
        const char *given[12], *set[8];
    } rows[] = {
        {{"::1", "::2", "::3", "1.1.1.1", "1.1.1.2"}, {"::1", "1.1.1.1", "::2", "1.1.1.2", "::3"}},
        {{"1.1.1.1", "1.1.1.2", "::1"}, {"1.1.1.1", "::1", "1.1.1.2"}},
        {{"1.1.1.1", "1.1.1.2"}, {"1.1.1.1", "1.1.1.2"}},
        {{"::1", "1.1.1.1", "1.1.1.1", "::1", "1.1.1.2"}, {"::1", "1.1.1.1", "1.1.1.2"}},
        {{"::1", "::2", "::3", "::4", "::5", "::6", "::7", "::8", "1.1.1.1"},
         {"::1", "1.1.1.1", "::2", "::3", "::4", "::5", "::6", "::7"}},
        {{NULL}, {NULL}},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        size_t count = 0, set = 0;
        caller c;
        while (rows[i].given[count])
            count++;
        caller_init(&c, NULL, 1, rows[i].given, count);
        acurast__dial_init(&c.dial, NULL, 1, 1);
        acurast__dial_set(&c.dial, c.addresses, c.count);
        for (; set < 8 && rows[i].set[set]; set++) {
            char text[ACURAST__ADDRESS_TEXT_SIZE];
            acurast__address_format(&c.dial.tried[set].address, text);
            assert_string_equal(text, rows[i].set[set]);
        }
        assert_int_equal(c.dial.count, set);
    }
}

static void a_socket_is_as_it_is_promised(void **state)
{
    static const char *const one[] = {"127.0.0.1"};
    uint16_t port = 0;
    door d = door_open("127.0.0.1", &port, ANSWERS);
    world w;
    caller c;
    int on = 0;
    socklen_t size = sizeof on;
    (void)state;
    world_open(&w, &(world_options){0});
    caller_init(&c, w.loops[0], port, one, 1);
    world_run(c.loop, begin, &c);
    box_await(&c.told, 1);
    check_peer(c.socket, "127.0.0.1");
    assert_true(fcntl(c.socket, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(c.socket, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(getsockopt(c.socket, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
    assert_true(on);
    close(c.socket);
    world_close(&w);
    door_close(&d);
}

/* Not after ten seconds, as it was; and not at once either. */
static void a_silent_address_costs_a_quarter_of_a_second(void **state)
{
    static const char *const both[] = {"127.0.0.2", "127.0.0.1"};
    uint16_t port = 0;
    door answers = door_open("127.0.0.1", &port, ANSWERS), hangs = door_open("127.0.0.2", &port, HANGS);
    world w;
    caller c;
    (void)state;
    world_open(&w, &(world_options){0});
    caller_init(&c, w.loops[0], port, both, 2);
    uint64_t since = acurast__clock_ms();
    world_run(c.loop, begin, &c);
    box_await(&c.told, 1);
    uint64_t took = acurast__clock_ms() - since;
    check_peer(c.socket, "127.0.0.1");
    assert_in_range(took, ACURAST__DIAL_NEXT_MS - 5, 5000);
    assert_true(c.took < took - 200); /* the time of the one that won counts from its own beginning */
    close(c.socket);
    world_close(&w);
    door_close(&answers);
    door_close(&hangs);
}

static void one_that_refuses_costs_nothing(void **state)
{
    static const char *const all[] = {"127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.1"};
    uint16_t port = 0;
    door d = door_open("127.0.0.1", &port, ANSWERS);
    world w;
    caller c;
    char text[ACURAST__DIAL_TEXT_SIZE];
    (void)state;
    world_open(&w, &(world_options){0});
    caller_init(&c, w.loops[0], port, all, 4);
    uint64_t since = acurast__clock_ms();
    world_run(c.loop, begin, &c);
    box_await(&c.told, 1);
    assert_true(acurast__clock_ms() - since < ACURAST__DIAL_NEXT_MS);
    check_peer(c.socket, "127.0.0.1");
    close(c.socket);
    acurast__dial_tell(&c.dial, text);
    assert_memory_equal(text, "127.0.0.3: connection refused", 29);
    assert_non_null(strstr(text, "; 127.0.0.5: connection refused"));
    assert_null(strstr(text, "127.0.0.1:"));
    world_close(&w);
    door_close(&d);
}

/* The first to answer wins, also where it was asked later; and whoever it left ringing gets its chance where it is no good. */
static void who_was_left_ringing_gets_a_second_chance(void **state)
{
    static const char *const both[] = {"127.0.0.2", "127.0.0.1"};
    uint16_t port = 0;
    door answers = door_open("127.0.0.1", &port, ANSWERS), hangs = door_open("127.0.0.2", &port, HANGS);
    world w;
    caller c;
    char text[ACURAST__DIAL_TEXT_SIZE];
    (void)state;
    world_open(&w, &(world_options){0});
    caller_init(&c, w.loops[0], port, both, 2);
    c.timeout_ms = 600;
    world_run(c.loop, begin, &c);
    box_await(&c.told, 1);
    check_peer(c.socket, "127.0.0.1");
    close(c.socket);
    acurast__dial_blame(&c.dial, ACURAST_UPGRADE, "no good");
    assert_int_equal(acurast__dial_status(&c.dial), ACURAST_UPGRADE);
    uint64_t since = acurast__clock_ms();
    world_run(c.loop, go_on, &c);
    box_await(&c.told, 2);
    assert_int_equal(c.socket, -1);
    assert_in_range(acurast__clock_ms() - since, 590, 5000);
    acurast__dial_tell(&c.dial, text);
    assert_string_equal(text, "127.0.0.2: no answer in time; 127.0.0.1: no good");
    world_close(&w);
    door_close(&answers);
    door_close(&hangs);
}

static void silence_is_told_from_refusal(void **state)
{
    static const char *const both[] = {"127.0.0.2", "127.0.0.1"};
    uint16_t port = 0;
    door hangs = door_open("127.0.0.2", &port, HANGS);
    world w;
    caller c;
    (void)state;
    world_open(&w, &(world_options){0});
    for (size_t count = 1; count <= 2; count++) {
        caller_init(&c, w.loops[0], port, both, count);
        c.timeout_ms = 50;
        world_run(c.loop, begin, &c);
        box_await(&c.told, 1);
        assert_int_equal(c.socket, -1);
        assert_int_equal(acurast__dial_status(&c.dial), count == 1 ? ACURAST_TIMEOUT : ACURAST_CONNECT);
    }
    world_close(&w);
    door_close(&hangs);
}

static void it_can_be_stopped_at_any_time(void **state)
{
    static const char *const both[] = {"127.0.0.2", "127.0.0.2"};
    uint16_t port = 0;
    door hangs = door_open("127.0.0.2", &port, HANGS);
    world w;
    caller c;
    (void)state;
    world_open(&w, &(world_options){0});
    world_memory(&w); /* a turn of the loop: the listener has what it needs */
    size_t before = count_descriptors();
    caller_init(&c, w.loops[0], port, both, 2);
    world_run(c.loop, begin, &c);
    assert_int_equal(count_descriptors(), before + 1);
    world_run(c.loop, stop, &c);
    assert_int_equal(count_descriptors(), before);
    world_run(c.loop, stop, &c);
    world_close(&w); /* nothing of it is left on the loop */
    assert_int_equal(box_count(&c.told), 0);
    door_close(&hangs);
}

/* ---- a network where clients have but two ports ---- */

#ifdef __linux__

enum {
    REFUSED,
    NOT_ALLOWED,
    CONNECTED
};

static bool enter_a_small_network(void)
{
    static const char ports[] = "40000 40001";
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    if (unshare(geteuid() ? CLONE_NEWUSER | CLONE_NEWNET : CLONE_NEWNET) != 0)
        return false;
    int file = open("/proc/sys/net/ipv4/ip_local_port_range", O_WRONLY | O_CLOEXEC);
    int any = socket(AF_INET, SOCK_DGRAM, 0);
    bool done = write(file, ports, sizeof ports - 1) > 0 && ioctl(any, SIOCSIFFLAGS, &loopback) == 0;
    close(file);
    close(any);
    return done;
}

/* In a child, which alone may have a network of its own. One of the ports is the client's own, then. */
static int dial_where_nobody_listens(void)
{
    static const char *const here[] = {"127.0.0.1"};
    acurast__loop *loop;
    if (!enter_a_small_network() || acurast__loop_start(&(acurast__loop_config){0}, &loop) != ACURAST_OK)
        return NOT_ALLOWED;
    for (uint16_t port = 40000; port < 40002; port++) {
        caller c;
        caller_init(&c, loop, port, here, 1);
        world_run(loop, begin, &c);
        box_await(&c.told, 1);
        if (c.socket >= 0)
            return CONNECTED;
    }
    return REFUSED;
}

static void nobody_connects_with_himself(void **state)
{
    int status;
    (void)state;
    pid_t child = fork();
    if (!child)
        _exit(dial_where_nobody_listens());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NOT_ALLOWED) {
        print_message("a network of its own is not allowed here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), REFUSED);
}

#else

static void nobody_connects_with_himself(void **state)
{
    (void)state;
    print_message("only Linux has networks for one process\n");
    skip();
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_families_take_turns),
        cmocka_unit_test(a_socket_is_as_it_is_promised),
        cmocka_unit_test(a_silent_address_costs_a_quarter_of_a_second),
        cmocka_unit_test(one_that_refuses_costs_nothing),
        cmocka_unit_test(who_was_left_ringing_gets_a_second_chance),
        cmocka_unit_test(silence_is_told_from_refusal),
        cmocka_unit_test(it_can_be_stopped_at_any_time),
        cmocka_unit_test(nobody_connects_with_himself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
