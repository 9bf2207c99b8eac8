/*
 * What the relays that ours is compared with have in common: frames of the protocol, the head of a websocket frame, and sessions by name.
 * None of it checks anything. For the benchmark on loopback only.
 */
#ifndef BENCH_RELAY_H
#define BENCH_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ID_SIZE = 16,
    HEADER_SIZE = 33,
    FRAME_INIT = 0x10,
    FRAME_CHALLENGE = 0x11,
    FRAME_RESPONSE = 0x12,
    FRAME_ACCEPTED = 0x13,
    FRAME_PAYLOAD = 0x14,
    CHALLENGE_SIZE = HEADER_SIZE + 32,
    WS_HEADER_MAX = 10, /* from a server, so without a mask */
};

/* The first member of a relay's session. All zeroes: it has no name. */
typedef struct relay_name {
    struct relay_name *next;
    uint8_t id[ID_SIZE];
    bool named;
} relay_name;

/* NULL: nobody. */
relay_name *relay_find(const uint8_t *id);

/* Who had the name before has none from now on. */
void relay_set_name(relay_name *name, const uint8_t *id);

/* Nothing to do where it has none. */
void relay_drop_name(relay_name *name);

/* Writes the head of a binary frame of one fragment, and returns its size. */
size_t relay_ws_header(uint8_t *out, size_t size);

/* Writes what the service answers to an init, CHALLENGE_SIZE bytes, and to a response, HEADER_SIZE bytes. */
void relay_challenge(uint8_t *out, const uint8_t *recipient);
void relay_accepted(uint8_t *out, const uint8_t *recipient);

#endif
