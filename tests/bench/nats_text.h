/* What a client of NATS writes and reads, as far as the benchmark goes: subjects are ids in hexadecimal digits, and each client hears its own. */
#ifndef BENCH_NATS_TEXT_H
#define BENCH_NATS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NATS_TEXT_MAX = 192, /* what is written here fits */
    NATS_TAIL_SIZE = 2,  /* behind a payload */
};

typedef enum nats_line {
    NATS_OTHER, /* of no concern */
    NATS_MESSAGE,
    NATS_PING,
    NATS_PONG,
    NATS_ERROR
} nats_line;

/* The first words of a client of that id, and how long they are. The server answers a PONG once it has taken them. */
size_t nats_greeting(char *out, const uint8_t *id, bool tls);

/* What comes before a payload that is published, and how long it is. */
size_t nats_publish(char *out, const uint8_t *recipient, size_t size);

/* Of a line without its end: what it is, and of a message the size of the payload that follows. */
nats_line nats_read(const char *line, size_t size, size_t *payload);

#endif
