/* The message that an Ed25519 identity signs. No state. */
#include "protocol/auth.h"

#include <string.h>

static const char label[] = "acurast-auth-1";

size_t acurast__auth_message(uint8_t message[ACURAST__AUTH_MAX_SIZE], const char *name, const uint8_t digest[32])
{
    size_t length = strlen(name);
    if (length == 0 || length > ACURAST__NAME_MAX_SIZE)
        return 0;
    uint8_t *end = message;
    memcpy(end, label, sizeof label - 1);
    end += sizeof label - 1;
    memcpy(end, name, length);
    end += length;
    memcpy(end, digest, 32);
    return (size_t)(end + 32 - message);
}
