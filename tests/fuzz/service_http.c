/*
 * The whole HTTP side of a service, from the first byte of a connection: requests in any number, with and without bodies, upgrades, and
 * what follows an upgrade. The connection is one end of a socket pair; the input is what the other end says.
 *
 * The first byte chooses the port, the second one the slices. A connection gets one answer in HTTP, or 101 and then frames.
 */
#include "turns.h"

#include "net/listener_internal.h"
#include "service/service.h"

typedef struct arena {
    acurast_context *context;
    acurast_service *service;
    turns_watch watch;
} arena;

typedef struct visit {
    acurast__listening *door;
    int socket;
} visit;

static arena the_arena;

static void set(acurast_options *options, const char *name, const char *value)
{
    REQUIRE(acurast_options_set(options, name, value) == ACURAST_OK);
}

static void arena_open(arena *a)
{
    acurast_options *of_context = NULL, *of_service = NULL;
    REQUIRE(acurast_options_create(ACURAST_SCOPE_CONTEXT, &of_context) == ACURAST_OK);
    set(of_context, "threads", "1");
    set(of_context, "log-level", "off");
    REQUIRE(acurast_options_create(ACURAST_SCOPE_SERVICE, &of_service) == ACURAST_OK);
    set(of_service, "listen", "127.0.0.1:0");
    set(of_service, "admin-listen", "127.0.0.1:0");
    set(of_service, "handshake-time", "200ms");
    set(of_service, "drain-time", "1s");
    set(of_service, "trust-proxy", "127.0.0.0/8");
    REQUIRE(acurast__context_create(of_context, &a->context) == ACURAST_OK);
    REQUIRE(acurast__service_create(a->context, of_service, &a->service) == ACURAST_OK);
    REQUIRE(acurast__service_start(a->service) == ACURAST_OK);
    acurast_options_release(of_context);
    acurast_options_release(of_service);
    turns_init(&a->watch, acurast__context_loop(a->context, 0));
}

static void close_all(void)
{
    arena *a = &the_arena;
    turns_over(&a->watch);
    acurast__context_close(a->context);
    REQUIRE(acurast__context_wait(a->context, 10000) == ACURAST_OK); /* no connection was left behind */
    acurast__service_release_handle(a->service);
    acurast__context_abandon(a->context);
}

static arena *enter_arena(void)
{
    if (!the_arena.context) {
        arena_open(&the_arena);
        REQUIRE(atexit(close_all) == 0); /* runs before libcrypto's own, which came with the loop */
    }
    return &the_arena;
}

static void enter(void *argument)
{
    visit *v = argument;
    acurast__address address;
    REQUIRE(acurast__address_parse(&address, "127.0.0.1"));
    acurast__listener_adopt(v->door, v->socket, &address);
}

static void check_answers(const turns_heard *heard)
{
    static const char upgraded[] = "HTTP/1.1 101 ";
    size_t answers = 0;
    for (size_t i = 0; i + 7 <= heard->size; i++)
        answers += memcmp(heard->bytes + i, "HTTP/1.", 7) == 0;
    if (heard->size == 0)
        return;
    REQUIRE(heard->size >= 12 && memcmp(heard->bytes, "HTTP/1.", 7) == 0);
    if (memcmp(heard->bytes, upgraded, sizeof upgraded - 1) != 0)
        REQUIRE(answers == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static turns_heard heard;
    fuzz_input input = {data, size};
    uint8_t choice = fuzz_byte(&input), slices = fuzz_byte(&input);
    arena *a = enter_arena();
    int ends[2];
    heard.size = 0;
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    visit v = {.door = &a->service->gates[choice >> 1 & 1].listener->at[0], .socket = ends[0]};
    turns_run(&a->watch, enter, &v);
    turns_talk(&a->watch, ends[1], slices, input.at, input.left, &heard);
    if (choice & 4)
        shutdown(ends[1], SHUT_WR);
    turns_check(&a->watch);
    turns_hear(ends[1], &heard);
    close(ends[1]);
    turns_check(&a->watch);
    check_answers(&heard);
    return 0;
}
