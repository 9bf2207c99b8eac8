#include "support/net_raw.h"

#include "support/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

static void set_patience(int fd)
{
    struct timeval patience = {.tv_sec = 20};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

/* OpenSSL writes to a socket whose peer has gone with a signal. Ours must not: so only this thread is spared. */
static void spare_from_signals(void)
{
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
}

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return to;
}

void raw_connect(raw *r, uint16_t port, bool tls, int receive_buffer)
{
    struct sockaddr_in to = loopback(port);
    *r = (raw){.fd = socket(AF_INET, SOCK_STREAM, 0), .client = true};
    assert_true(r->fd >= 0);
    set_patience(r->fd);
    if (receive_buffer)
        setsockopt(r->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    assert_int_equal(connect(r->fd, (struct sockaddr *)&to, sizeof to), 0);
    if (!tls)
        return;
    spare_from_signals();
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    r->ssl = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_fd(r->ssl, r->fd);
    assert_int_equal(SSL_connect(r->ssl), 1);
}

int raw_listen(uint16_t *port)
{
    struct sockaddr_in at = loopback(0);
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    set_patience(fd);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
    assert_int_equal(listen(fd, 16), 0);
    getsockname(fd, (struct sockaddr *)&at, &size);
    *port = ntohs(at.sin_port);
    return fd;
}

void raw_accept(raw *r, int listener, const char *cert, const char *key)
{
    *r = (raw){.fd = accept(listener, NULL, NULL)};
    assert_true(r->fd >= 0);
    set_patience(r->fd);
    if (!cert)
        return;
    spare_from_signals();
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate_chain_file(context, cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM), 1);
    r->ssl = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_fd(r->ssl, r->fd);
    assert_int_equal(SSL_accept(r->ssl), 1);
}

void raw_write(raw *r, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    while (size) {
        ssize_t n = r->ssl ? SSL_write(r->ssl, at, (int)size) : send(r->fd, at, size, MSG_NOSIGNAL);
        assert_true(n > 0);
        at += n;
        size -= (size_t)n;
    }
}

void raw_text(raw *r, const char *text)
{
    raw_write(r, text, strlen(text));
}

size_t raw_read_some(raw *r, void *bytes, size_t size)
{
    ssize_t n = r->ssl ? SSL_read(r->ssl, bytes, (int)size) : recv(r->fd, bytes, size, 0);
    if (n < 0)
        assert_true(errno != EAGAIN && errno != EWOULDBLOCK);
    return n > 0 ? (size_t)n : 0;
}

static bool read_all(raw *r, void *bytes, size_t size)
{
    uint8_t *at = bytes;
    while (size) {
        size_t n = raw_read_some(r, at, size);
        if (!n)
            return false;
        at += n;
        size -= n;
    }
    return true;
}

void raw_read(raw *r, void *bytes, size_t size)
{
    assert_true(read_all(r, bytes, size));
}

void raw_read_head(raw *r, char *text, size_t size)
{
    size_t have = 0;
    text[0] = 0;
    while (have + 1 < size && !strstr(text, "\r\n\r\n") && read_all(r, text + have, 1))
        text[++have] = 0;
}

void raw_upgrade(raw *r, const char *path)
{
    char text[1024];
    snprintf(text, sizeof text,
             "GET %s HTTP/1.1\r\nHost: raw\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
             path);
    raw_text(r, text);
    raw_read_head(r, text, sizeof text);
    assert_memory_equal(text, "HTTP/1.1 101", 12);
    assert_non_null(strstr(text, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
}

/* The answer to the request that comes; its size. */
static size_t make_answer(raw *r, char *answer, size_t capacity)
{
    char text[2048], proof[128], sum64[64];
    uint8_t sum[EVP_MAX_MD_SIZE];
    raw_read_head(r, text, sizeof text);
    const char *key = strstr(text, "Sec-WebSocket-Key: ");
    assert_non_null(key);
    snprintf(proof, sizeof proof, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key + 19);
    EVP_Digest(proof, strlen(proof), sum, NULL, EVP_sha1(), NULL);
    EVP_EncodeBlock((unsigned char *)sum64, sum, 20);
    return (size_t)snprintf(answer, capacity,
                            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            "Sec-WebSocket-Accept: %s\r\n\r\n",
                            sum64);
}

void raw_serve_with(raw *r, const void *behind, size_t size)
{
    static char answer[80000];
    size_t head = make_answer(r, answer, sizeof answer);
    assert_true(head + size <= sizeof answer);
    if (size)
        memcpy(answer + head, behind, size);
    raw_write(r, answer, head + size);
}

void raw_serve(raw *r)
{
    raw_serve_with(r, NULL, 0);
}

void raw_serve_sliced(raw *r)
{
    char answer[256];
    size_t size = make_answer(r, answer, sizeof answer);
    for (size_t i = 0; i < size; i++)
        raw_write(r, answer + i, 1);
}

static size_t put_header(uint8_t *to, bool client, unsigned first, uint64_t size)
{
    size_t n = 2;
    unsigned wide = size < 126 ? 0 : size < 65536 ? 2 : 8;
    to[0] = (uint8_t)first;
    to[1] = (uint8_t)((client ? 0x80 : 0) | (wide == 0 ? size : wide == 2 ? 126 : 127));
    for (unsigned i = wide; i--;)
        to[n++] = (uint8_t)(size >> (8 * i));
    if (client) {
        memset(to + n, 0, 4);
        n += 4;
    }
    return n;
}

void raw_send_header(raw *r, unsigned first, uint64_t size)
{
    uint8_t header[14];
    raw_write(r, header, put_header(header, r->client, first, size));
}

void raw_send(raw *r, unsigned first, const void *bytes, size_t size)
{
    uint8_t *frame = malloc(14 + size);
    size_t header = put_header(frame, r->client, first, size);
    if (size)
        memcpy(frame + header, bytes, size);
    if (r->client) {
        static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
        memcpy(frame + header - 4, mask, 4);
        for (size_t i = 0; i < size; i++)
            frame[header + i] ^= mask[i & 3];
    }
    raw_write(r, frame, header + size);
    free(frame);
}

bool raw_receive(raw *r, raw_frame *frame)
{
    uint8_t head[2], wide[8], mask[4] = {0};
    if (!read_all(r, head, 2))
        return false;
    assert_int_equal(head[0] & 0x70, 0);
    assert_int_equal(head[1] >> 7, !r->client); /* only clients mask */
    uint64_t size = head[1] & 127;
    size_t more = size == 126 ? 2 : size == 127 ? 8 : 0;
    if (!read_all(r, wide, more))
        return false;
    if (more)
        size = 0;
    for (size_t i = 0; i < more; i++)
        size = size << 8 | wide[i];
    assert_true(size <= 64 << 20);
    if (!r->client && !read_all(r, mask, 4))
        return false;
    frame->opcode = head[0] & 15;
    frame->final = head[0] >> 7;
    frame->size = (size_t)size;
    frame->bytes = malloc(frame->size + 1);
    if (!read_all(r, frame->bytes, frame->size)) {
        free(frame->bytes);
        return false;
    }
    for (size_t i = 0; i < frame->size; i++)
        frame->bytes[i] ^= mask[i & 3];
    return true;
}

unsigned raw_receive_close(raw *r)
{
    raw_frame frame;
    assert_true(raw_receive(r, &frame));
    assert_int_equal(frame.opcode, RAW_CLOSE);
    assert_true(frame.size >= 2);
    unsigned code = (unsigned)(frame.bytes[0] << 8 | frame.bytes[1]);
    free(frame.bytes);
    return code;
}

void raw_await_end(raw *r)
{
    uint8_t bytes[4096];
    while (raw_read_some(r, bytes, sizeof bytes))
        continue;
}

void raw_end(raw *r)
{
    SSL_free(r->ssl);
    close(r->fd);
}
