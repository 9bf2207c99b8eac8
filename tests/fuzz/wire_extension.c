/* Any bytes as an extension block: what was understood survives being written and read again. */
#include "fuzz.h"

#include "wire/extension.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    acurast__extension first, second;
    uint8_t bytes[ACURAST__EXTENSION_MAX_SIZE];
    acurast__extension_result result = acurast__extension_decode(&first, data, size);
    REQUIRE((result == ACURAST__EXTENSION_NONE) == (size < 4 || memcmp(data, "ACX1", 4) != 0));
    if (result != ACURAST__EXTENSION_PRESENT) {
        REQUIRE(!first.ed25519 && first.max_frame == 0 && first.agent[0] == '\0');
        return 0;
    }
    REQUIRE(size <= ACURAST__EXTENSION_MAX_SIZE);
    size_t written = acurast__extension_encode(bytes, sizeof bytes, &first);
    REQUIRE(acurast__extension_decode(&second, bytes, written) == ACURAST__EXTENSION_PRESENT);
    REQUIRE(second.ed25519 == first.ed25519 && second.max_frame == first.max_frame);
    REQUIRE(strcmp(second.agent, first.agent) == 0);
    return 0;
}
