/* Any bytes as a recipient: all ways to read one agree, and a key in hex is the key in bytes. */
#include "fuzz.h"

#include "base/bytes.h"
#include "crypto/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t id[16], again[16], key[33], twice[33];
    char text[2 * 65 + 1];
    acurast_status status = acurast_id_of(data, size, id);
    acurast_status as_key = acurast_compress_key(data, size, key);
    if (status == ACURAST_OK && size != 16 && size != 32 && size != 34) {
        REQUIRE(as_key == ACURAST_OK && acurast__key_check(key) == ACURAST_OK);
        acurast__key_id(again, key);
        REQUIRE(memcmp(id, again, 16) == 0);
    }
    if (size == 33 || size == 65) {
        acurast__hex(text, data, size);
        REQUIRE(acurast_compress_key(text, 2 * size, twice) == as_key);
        if (as_key == ACURAST_OK)
            REQUIRE(memcmp(key, twice, 33) == 0);
    }
    if (size > 16) /* what is left after a digest's worth of bytes, as hex of any length */
        (void)acurast__unhex(key, 16, (const char *)data + 16, size - 16);
    return 0;
}
