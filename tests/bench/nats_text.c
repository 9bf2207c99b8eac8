#include "nats_text.h"

#include "key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *subject_of(char out[2 * ID_SIZE + 1], const uint8_t *id)
{
    for (size_t i = 0; i < ID_SIZE; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", id[i]);
    return out;
}

size_t nats_greeting(char *out, const uint8_t *id, bool tls)
{
    char subject[2 * ID_SIZE + 1];
    int size = snprintf(out, NATS_TEXT_MAX,
                        "CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\":%s}\r\nSUB %s 1\r\nPING\r\n",
                        tls ? "true" : "false", subject_of(subject, id));
    return (size_t)size;
}

size_t nats_publish(char *out, const uint8_t *recipient, size_t size)
{
    char subject[2 * ID_SIZE + 1];
    return (size_t)snprintf(out, NATS_TEXT_MAX, "PUB %s %zu\r\n", subject_of(subject, recipient), size);
}

nats_line nats_read(const char *line, size_t size, size_t *payload)
{
    static const struct {
        const char *begin;
        nats_line kind;
    } lines[] = {{"MSG ", NATS_MESSAGE}, {"PING", NATS_PING}, {"PONG", NATS_PONG}, {"-ERR", NATS_ERROR}};
    char number[24] = "";
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (size < 4 || memcmp(line, lines[i].begin, 4) != 0)
            continue;
        size_t digits = 0;
        while (digits < size && digits + 1 < sizeof number && line[size - digits - 1] != ' ')
            digits++;
        memcpy(number, line + size - digits, digits);
        *payload = strtoul(number, NULL, 10);
        return lines[i].kind;
    }
    return NATS_OTHER;
}
