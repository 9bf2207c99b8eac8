/*
 * The other end of a connection without our library: blocking, byte by byte, and rude if need be. Every wait has a deadline.
 */
#ifndef TESTS_SUPPORT_NET_RAW_H
#define TESTS_SUPPORT_NET_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RAW_CONTINUATION 0
#define RAW_TEXT 1
#define RAW_BINARY 2
#define RAW_CLOSE 8
#define RAW_PING 9
#define RAW_PONG 10
#define RAW_FIN 0x80

typedef struct raw {
    int fd;
    void *ssl; /* SSL; NULL: plain */
    bool client;
} raw;

typedef struct raw_frame {
    uint8_t opcode;
    bool final;
    uint8_t *bytes; /* from malloc() */
    size_t size;
} raw_frame;

/* Connects; with `tls` without looking at the certificate. `receive_buffer` 0: the system's. */
void raw_connect(raw *r, uint16_t port, bool tls, int receive_buffer);

/* A listening socket on 127.0.0.1, and its port. */
int raw_listen(uint16_t *port);
void raw_accept(raw *r, int listener, const char *cert, const char *key);

void raw_write(raw *r, const void *bytes, size_t size);
void raw_text(raw *r, const char *text);

/* How many bytes came, up to `size`; 0 at the end, also by a reset; fails the test if nothing comes for 20 s. */
size_t raw_read_some(raw *r, void *bytes, size_t size);
void raw_read(raw *r, void *bytes, size_t size);

/* Up to the empty line, with it, or to the end. */
void raw_read_head(raw *r, char *text, size_t size);

/* A client's handshake; the answer must be 101. */
void raw_upgrade(raw *r, const char *path);

/* A service's handshake; `behind` is in the same write as the answer. */
void raw_serve(raw *r);
void raw_serve_with(raw *r, const void *behind, size_t size);

/* The same, byte by byte. */
void raw_serve_sliced(raw *r);

/* One frame: `first` is opcode and RAW_FIN. Masked where it is a client's. */
void raw_send(raw *r, unsigned first, const void *bytes, size_t size);

/* Only the header of a frame of `size` bytes, with a mask of zeros where it is a client's. */
void raw_send_header(raw *r, unsigned first, uint64_t size);

/* The next whole frame; false at the end of the connection. */
bool raw_receive(raw *r, raw_frame *frame);

/* The next frame is a close: its code. */
unsigned raw_receive_close(raw *r);

/* True once the connection is at its end. Whatever comes before is thrown away. */
void raw_await_end(raw *r);

void raw_end(raw *r);

#endif
