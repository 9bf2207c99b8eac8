/* Any bytes as the head of a request: each beginning gets the verdict of the whole or none yet, and what is read lies within the head. */
#include "fuzz.h"

#include "wire/request.h"

#include <string.h>

/* A copy in a block of exactly that size. */
static acurast__request_progress read_copy(const uint8_t *data, size_t size, size_t known, acurast__request_head *head,
                                           char **block)
{
    *block = malloc(size ? size : 1);
    REQUIRE(*block);
    memcpy(*block, data, size);
    acurast__request_progress progress = acurast__request_read(head, *block, size, known);
    REQUIRE(progress != ACURAST__REQUEST_MORE || (size < ACURAST__REQUEST_MAX && memcmp(*block, data, size) == 0));
    return progress;
}

static void check_text(const acurast__request_head *head, const char *block, const char *text)
{
    REQUIRE(!text || (text >= block && text + strlen(text) < block + head->size));
}

static void check_head(const acurast__request_head *head, const char *block, size_t size)
{
    REQUIRE(head->size <= size && head->size <= ACURAST__REQUEST_MAX);
    REQUIRE(head->method && head->path && head->host && *head->method);
    check_text(head, block, head->method);
    check_text(head, block, head->path);
    check_text(head, block, *head->host ? head->host : NULL);
    check_text(head, block, head->upgrade);
    check_text(head, block, head->key);
    check_text(head, block, head->version);
    check_text(head, block, head->protocol);
    REQUIRE(!head->forwarded_for || (head->proxied && strlen(head->forwarded_for) < head->size));
    if (strcmp(head->method, "GET") == 0 || strcmp(head->method, "HEAD") == 0)
        REQUIRE(head->path[0] == '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static acurast__request_head whole, part;
    fuzz_input input = {data, size};
    size_t step = (size_t)1 + fuzz_byte(&input);
    char *block, *partial;
    acurast__request_progress progress = read_copy(input.at, input.left, 0, &whole, &block);
    if (progress == ACURAST__REQUEST_WHOLE)
        check_head(&whole, block, input.left);
    acurast__request_progress early = ACURAST__REQUEST_MORE;
    for (size_t known = 0, i = step; early == ACURAST__REQUEST_MORE && i < input.left + step; known = i, i += step) {
        early = read_copy(input.at, i < input.left ? i : input.left, known, &part, &partial);
        if (early != ACURAST__REQUEST_MORE)
            REQUIRE(early == progress && part.status == whole.status && part.size == whole.size);
        free(partial);
    }
    REQUIRE(early == progress || !input.left);
    free(block);
    return 0;
}
