/*
 * Any bytes as a result: where they are JSON, they have a canonical form, and for JSON alone. With blanks put around it, the text has the
 * same form.
 */
#include "fuzz.h"

#include "rpc/canonical.h"

static bool same(const acurast__buffer *a, const acurast__buffer *b)
{
    return a->size == b->size && (!a->size || memcmp(a->bytes, b->bytes, a->size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    uint8_t *text = fuzz_take(&input, &size);
    acurast__buffer form = {0}, again = {0}, padded = {0};
    acurast_status status = acurast__canonical(&form, ACURAST__RPC_JSON, (acurast__raw){text, size});
    REQUIRE(status == (acurast__rpc_valid(ACURAST__RPC_JSON, text, size) ? ACURAST_OK : ACURAST_INVALID));
    if (status == ACURAST_OK) {
        REQUIRE(form.size <= 6 * size + 64);
        acurast__buffer_text(&padded, " \n");
        acurast__buffer_add(&padded, text, size);
        acurast__buffer_text(&padded, "\t\r");
        REQUIRE(acurast__canonical(&again, ACURAST__RPC_JSON, (acurast__raw){padded.bytes, padded.size}) == ACURAST_OK);
        REQUIRE(same(&form, &again));
    }
    acurast__buffer_clear(&form);
    acurast__buffer_clear(&again);
    acurast__buffer_clear(&padded);
    free(text);
    return 0;
}
