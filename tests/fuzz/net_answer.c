/*
 * The whole HTTP side of a client: what a service answers to its upgrade, and the frames that follow. The input is what the service
 * says; in it, @ACCEPT@ stands for the right Sec-WebSocket-Accept, which no fuzzer guesses. Behind a proxy the input is what that says, and then
 * the service.
 *
 * The first byte says whether there is a proxy, and how it ends; the second one the slices. `closed` comes once and last, and no message is larger
 * than allowed.
 */
#include "turns.h"

#include "net/proxy.h"
#include "net/ws.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdatomic.h>

/* Of the first byte. */
#define HANGS_UP 4
#define BY_PROXY 8
#define GIVES_UP 16

#define MAX_MESSAGE 4096
#define MARK "@ACCEPT@"
#define MARK_SIZE (sizeof MARK - 1)
#define HEAD_END "\r\n\r\n"
#define ACCEPT_SIZE 28 /* 20 bytes in base64 */

typedef struct visitor {
    acurast__loop *loop;
    uint16_t port;
    bool by_proxy;
    acurast__ws *ws; /* NULL once closed */
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
    v->ws = NULL;
    atomic_fetch_add(&v->closed, 1);
}

static const acurast__ws_handlers handlers = {.open = on_open, .message = on_message, .closed = on_closed};

static void visit(void *argument)
{
    static char place[] = "127.0.0.1", authorization[] = "Basic dTpw";
    static acurast__proxy proxy = {.host = place, .authorization = authorization};
    visitor *v = argument;
    acurast__ws_target target = {.host = "127.0.0.1", .port = v->port, .path = "/", .connect_timeout_ms = 10000};
    acurast__ws_settings settings = {.max_message = MAX_MESSAGE, .ping_interval_ms = 50, .ping_timeout_ms = 50};
    proxy.port = v->port;
    if (v->by_proxy)
        target.proxy = &proxy;
    v->ws = acurast__ws_connect(v->loop, &target, &settings, &handlers, v);
    REQUIRE(v->ws);
}

static void give_up(void *argument)
{
    visitor *v = argument;
    if (v->ws)
        acurast__ws_abort(v->ws);
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

/* Hears the first request, as a whole. */
static void hear_request(int socket, turns_heard *heard)
{
    heard->size = 0;
    while (heard->size < 4 || memcmp(heard->bytes + heard->size - 4, HEAD_END, 4) != 0) {
        await(socket);
        ssize_t n = recv(socket, heard->bytes + heard->size, sizeof heard->bytes - heard->size, 0);
        REQUIRE(n > 0);
        heard->size += (size_t)n;
    }
}

/* The answer to the key that was heard; false where none was. */
static bool answer_key(const turns_heard *heard, char accept[ACCEPT_SIZE + 1])
{
    static const char name[] = "Sec-WebSocket-Key: ", guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[128];
    unsigned char digest[EVP_MAX_MD_SIZE];
    size_t at = 0, size = sizeof name - 1;
    while (at + size + 24 <= heard->size && memcmp(heard->bytes + at, name, size) != 0)
        at++;
    if (at + size + 24 > heard->size)
        return false;
    int length = snprintf(text, sizeof text, "%.24s%s", (const char *)heard->bytes + at + size, guid);
    REQUIRE(EVP_Digest(text, (size_t)length, digest, NULL, EVP_sha1(), NULL) == 1);
    REQUIRE(EVP_EncodeBlock((unsigned char *)accept, digest, 20) == ACCEPT_SIZE);
    return true;
}

/* Up to the first such text, or to the end. */
static size_t size_before(const fuzz_input *input, const char *text)
{
    size_t size = 0, length = strlen(text);
    while (size < input->left && (input->left - size < length || memcmp(input->at + size, text, length) != 0))
        size++;
    return size;
}

/* The head of a proxy's answer: what follows is to be said by the service, later. */
static void say_head(int socket, fuzz_input *input, uint8_t slices, turns_heard *heard)
{
    size_t size = size_before(input, HEAD_END);
    size += size < input->left ? sizeof HEAD_END - 1 : 0;
    turns_talk(&watch, socket, slices, input->at, size, heard);
    turns_check(&watch);
    turns_hear(socket, heard);
    input->at += size;
    input->left -= size;
}

/* Says the input, with each mark replaced where a key was heard. */
static void say(int socket, fuzz_input *input, uint8_t slices, turns_heard *heard)
{
    char accept[ACCEPT_SIZE + 1] = MARK;
    while (input->left) {
        size_t size = size_before(input, MARK);
        bool mark = size < input->left;
        turns_talk(&watch, socket, slices, input->at, size, heard);
        if (mark) {
            answer_key(heard, accept);
            turns_talk(&watch, socket, slices, (const uint8_t *)accept, strlen(accept), heard);
            size += MARK_SIZE;
        }
        input->at += size;
        input->left -= size;
    }
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
    listen_once();
    start_once();
    visitor v = {.loop = watch.loop, .port = port, .by_proxy = choice & BY_PROXY};
    turns_run(&watch, visit, &v);
    await(listener);
    int end = accept(listener, NULL, NULL);
    REQUIRE(end >= 0);
    hear_request(end, &heard);
    if (v.by_proxy)
        say_head(end, &input, slices, &heard);
    say(end, &input, slices, &heard);
    if (choice & GIVES_UP)
        turns_run(&watch, give_up, &v);
    if (choice & HANGS_UP)
        shutdown(end, SHUT_WR);
    turns_check(&watch);
    turns_hear(end, &heard);
    close(end);
    await_end(&v);
    return 0;
}
