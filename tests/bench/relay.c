#include "relay.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    BUCKETS = 65536,
};

static relay_name *buckets[BUCKETS];

static relay_name **bucket_of(const uint8_t *id)
{
    uint16_t hash;
    memcpy(&hash, id, sizeof hash);
    return &buckets[hash % BUCKETS];
}

relay_name *relay_find(const uint8_t *id)
{
    relay_name *name = *bucket_of(id);
    while (name && memcmp(name->id, id, ID_SIZE) != 0)
        name = name->next;
    return name;
}

void relay_drop_name(relay_name *name)
{
    if (!name->named)
        return;
    relay_name **link = bucket_of(name->id);
    while (*link != name)
        link = &(*link)->next;
    *link = name->next;
    name->named = false;
}

void relay_set_name(relay_name *name, const uint8_t *id)
{
    relay_name *former = relay_find(id);
    if (former)
        relay_drop_name(former);
    memcpy(name->id, id, ID_SIZE);
    relay_name **bucket = bucket_of(id);
    name->next = *bucket;
    *bucket = name;
    name->named = true;
}

size_t relay_ws_header(uint8_t *out, size_t size)
{
    out[0] = 0x82;
    if (size < 126) {
        out[1] = (uint8_t)size;
        return 2;
    }
    unsigned bytes = size < 65536 ? 2 : 8;
    out[1] = bytes == 2 ? 126 : 127;
    for (unsigned i = 0; i < bytes; i++)
        out[2 + i] = (uint8_t)(size >> (8 * (bytes - 1 - i)));
    return 2 + bytes;
}

static void service_frame(uint8_t *out, uint8_t type, const uint8_t *recipient)
{
    out[0] = type;
    memset(out + 1, 0, ID_SIZE);
    memcpy(out + 1 + ID_SIZE, recipient, ID_SIZE);
}

/* No work is asked for. */
void relay_challenge(uint8_t *out, const uint8_t *recipient)
{
    service_frame(out, FRAME_CHALLENGE, recipient);
    memset(out + HEADER_SIZE, 0xff, 16);
    if (getrandom(out + HEADER_SIZE + 16, 16, 0) != 16)
        abort();
}

void relay_accepted(uint8_t *out, const uint8_t *recipient)
{
    service_frame(out, FRAME_ACCEPTED, recipient);
}
