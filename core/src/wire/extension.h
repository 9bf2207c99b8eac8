/*
 * The extension block: the magic ACX1 and one flat MessagePack map (text keys; values nil, boolean, integer, text or bytes),
 * at most 32 entries and 1 KiB in all. Parsed by msgpack-c after a scan that allocates nothing. Unknown keys are skipped.
 *
 * Keys in use (all optional):
 *   agent      text, up to 64 bytes      who speaks: "libacurast/0.1.0"
 *   ed25519    boolean                   init: I can; challenge: in force here
 *   max_frame  integer                   the largest frame that its sender takes, header included; a tracked frame is
 *                                        counted without its head
 *   presence   boolean                   challenge: the service tells who is here
 *   track      integer                   the version of receipts, 1; init: I speak it; challenge: in force here
 */
#ifndef ACURAST_WIRE_EXTENSION_H
#define ACURAST_WIRE_EXTENSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACURAST__EXTENSION_MAX_SIZE 1024
#define ACURAST__EXTENSION_MAX_ENTRIES 32
#define ACURAST__AGENT_MAX_SIZE 64

typedef struct acurast__extension {
    bool ed25519;
    bool presence;
    uint64_t track;                          /* 0: not spoken */
    uint64_t max_frame;                      /* 0: not said */
    char agent[ACURAST__AGENT_MAX_SIZE + 1]; /* cut, control characters and invalid UTF-8 replaced by '?' */
} acurast__extension;

typedef enum acurast__extension_result {
    ACURAST__EXTENSION_NONE,     /* no magic: other bytes, or none; ignored as the deployed service does */
    ACURAST__EXTENSION_PRESENT,
    ACURAST__EXTENSION_MALFORMED /* after its magic: refused, 1002 */
} acurast__extension_result;

acurast__extension_result acurast__extension_decode(acurast__extension *extension, const uint8_t *bytes, size_t size);

/* Writes magic and map; 0 where `capacity` is too small (ACURAST__EXTENSION_MAX_SIZE is always enough) or without memory. */
size_t acurast__extension_encode(uint8_t *bytes, size_t capacity, const acurast__extension *extension);

#endif
