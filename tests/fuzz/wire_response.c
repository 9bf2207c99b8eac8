/* Any bytes as the head of an answer: each beginning gets the verdict of the whole or none yet, and what is read lies within the head. */
#include "fuzz.h"

#include "wire/response.h"

#include <string.h>

/* A copy in a block of exactly that size. */
static acurast__response_progress read_copy(const uint8_t *data, size_t size, acurast__response_head *head)
{
    char *block = malloc(size ? size : 1);
    REQUIRE(block);
    memcpy(block, data, size);
    acurast__response_progress progress = acurast__response_read(head, block, size);
    if (progress == ACURAST__RESPONSE_MORE)
        REQUIRE(size < ACURAST__RESPONSE_MAX && memcmp(block, data, size) == 0);
    if (progress == ACURAST__RESPONSE_WHOLE) {
        REQUIRE(head->size <= size && head->status && head->status < 1000);
        REQUIRE(!head->accept || (head->accept >= block && head->accept + strlen(head->accept) < block + head->size));
    }
    free(block);
    return progress;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    acurast__response_head whole, part;
    fuzz_input input = {data, size};
    size_t step = (size_t)1 + fuzz_byte(&input);
    acurast__response_progress progress = read_copy(input.at, input.left, &whole);
    for (size_t i = 0; i < input.left; i += step) {
        acurast__response_progress early = read_copy(input.at, i, &part);
        if (early == ACURAST__RESPONSE_MORE)
            continue;
        REQUIRE(early == progress && part.status == whole.status && part.size == whole.size);
        REQUIRE(part.upgrades == whole.upgrades && part.negotiates == whole.negotiates);
        break;
    }
    return 0;
}
