/*
 * The whole HTTP side of a client: what a service answers to its upgrade, and the frames that follow. The input is what the service
 * says; in it, @ACCEPT@ stands for the right Sec-WebSocket-Accept, which no fuzzer guesses.
 *
 * The first byte says how the answer ends, the second one the slices. `closed` comes once and last, and no message is larger than allowed.
 */
#include "turns.h"

#include "net/ws.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdatomic.h>

#define MAX_MESSAGE 4096
#define MARK "@ACCEPT@"
#define ACCEPT_SIZE 28 /* 20 bytes in base64 */

typedef struct visitor {
    acurast__loop *loop;
    uint16_t port;
    bool open;
    atomic_uint closed;
} visitor;

static turns_watch watch;
static int listener = -1;
static uint16_t port;

static void on_open(void *owner, acurast__ws *ws)
{
    visitor *v = owner;
    REQUIRE(!v->open && !v->closed);
    v->open = true;
    REQUIRE(acurast__ws_send(ws, "hello", 5));
}

static void on_message(void *owner, acurast__ws *ws, const uint8_t *bytes, size_t size)
{
    visitor *v = owner;
    REQUIRE(v->open && !v->closed && size <= MAX_MESSAGE);
    acurast__ws_send(ws, bytes, size);
}

static void on_closed(void *owner, acurast__ws *ws, const acurast__ws_end *end)
{
    visitor *v = owner;
    (void)ws;
    REQUIRE(end->reason);
    atomic_fetch_add(&v->closed, 1);
}

static const acurast__ws_handlers handlers = {.open = on_open, .message = on_message, .closed = on_closed};

static void visit(void *argument)
{
    visitor *v = argument;
    acurast__ws_target target = {.host = "127.0.0.1", .port = v->port, .path = "/", .connect_timeout_ms = 10000};
    acurast__ws_settings settings = {.max_message = MAX_MESSAGE, .ping_interval_ms = 50, .ping_timeout_ms = 50};
    REQUIRE(acurast__ws_connect(v->loop, &target, &settings, &handlers, v));
}

static void end_loop(void)
{
    turns_over(&watch);
    acurast__loop_stop(watch.loop);
    acurast__loop_join(watch.loop);
    close(listener);
}

static void listen_once(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof at;
    if (listener >= 0)
        return;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(listener >= 0 && bind(listener, (struct sockaddr *)&at, size) == 0 && listen(listener, 16) == 0);
    REQUIRE(getsockname(listener, (struct sockaddr *)&at, &size) == 0);
    port = ntohs(at.sin_port);
}

static void start_once(void)
{
    acurast__loop *loop = NULL;
    if (watch.loop)
        return;
    REQUIRE(acurast__loop_start(&(acurast__loop_config){0}, &loop) == ACURAST_OK);
    turns_init(&watch, loop);
    REQUIRE(atexit(end_loop) == 0); /* runs before libcrypto's own, which came with the loop */
}

/* Within ten seconds, or never. The fuzzer's own alarm interrupts the wait now and then. */
static void await(int socket)
{
    struct pollfd descriptor = {.fd = socket, .events = POLLIN};
    int ready;
    do {
        ready = poll(&descriptor, 1, STUCK_SECONDS * 1000);
    } while (ready < 0 && errno == EINTR);
    REQUIRE(ready == 1);
}

/* Reads the request and finds what its key is answered with. */
static void read_request(int socket, char accept[ACCEPT_SIZE + 1])
{
    static const char name[] = "Sec-WebSocket-Key: ", guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char request[4096] = "", text[128];
    unsigned char digest[EVP_MAX_MD_SIZE];
    size_t size = 0;
    while (!strstr(request, "\r\n\r\n")) {
        await(socket);
        ssize_t n = recv(socket, request + size, sizeof request - 1 - size, 0);
        REQUIRE(n > 0);
        size += (size_t)n;
        request[size] = 0;
    }
    const char *key = strstr(request, name);
    REQUIRE(key);
    int length = snprintf(text, sizeof text, "%.24s%s", key + strlen(name), guid);
    REQUIRE(EVP_Digest(text, (size_t)length, digest, NULL, EVP_sha1(), NULL) == 1);
    REQUIRE(EVP_EncodeBlock((unsigned char *)accept, digest, 20) == ACCEPT_SIZE);
}

/* The input with each mark replaced; from malloc(). */
static uint8_t *fill_in(const fuzz_input *input, const char *accept, size_t *size)
{
    const size_t mark = strlen(MARK);
    uint8_t *out = malloc(input->left * (ACCEPT_SIZE / 8 + 1) + 1);
    REQUIRE(out);
    *size = 0;
    for (size_t i = 0; i < input->left;) {
        bool here = input->left - i >= mark && memcmp(input->at + i, MARK, mark) == 0;
        const void *piece = here ? (const void *)accept : input->at + i;
        size_t length = here ? ACCEPT_SIZE : 1;
        memcpy(out + *size, piece, length);
        *size += length;
        i += here ? mark : 1;
    }
    return out;
}

static void await_end(const visitor *v)
{
    uint64_t until = acurast__clock_ms() + STUCK_SECONDS * 1000;
    while (!v->closed && acurast__clock_ms() < until)
        turns_check(&watch);
    turns_check(&watch);
    REQUIRE(v->closed == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static turns_heard heard;
    fuzz_input input = {data, size};
    uint8_t choice = fuzz_byte(&input), slices = fuzz_byte(&input);
    char accepted[ACCEPT_SIZE + 1];
    size_t length;
    listen_once();
    start_once();
    visitor v = {.loop = watch.loop, .port = port};
    turns_run(&watch, visit, &v);
    await(listener);
    int end = accept(listener, NULL, NULL);
    REQUIRE(end >= 0);
    read_request(end, accepted);
    uint8_t *answer = fill_in(&input, accepted, &length);
    heard.size = 0;
    turns_talk(&watch, end, slices, answer, length, &heard);
    free(answer);
    if (choice & 4)
        shutdown(end, SHUT_WR);
    turns_check(&watch);
    turns_hear(end, &heard);
    close(end);
    await_end(&v);
    return 0;
}
