/* Any bytes as frames of either role: the same is read from them in one piece and in slices, and events stay within the bytes. */
#include "fuzz.h"

#include "wire/ws_reader.h"

typedef struct told {
    size_t count; /* of what is the same however the bytes are sliced */
    uint32_t sum;
} told;

static void add(told *all, uint32_t what)
{
    all->sum = all->sum * 31 + what;
}

static void tell(told *all, const acurast__ws_found *event)
{
    bool data = event->kind == ACURAST__WS_MESSAGE || event->kind == ACURAST__WS_PIECE;
    if (data && event->first)
        add(all, event->text);
    if (!data)
        add(all, 100 + event->kind);
    for (size_t i = 0; event->kind != ACURAST__WS_TOO_LARGE && event->kind != ACURAST__WS_ERROR && i < event->size; i++)
        add(all, event->bytes[i]);
    if (event->kind == ACURAST__WS_CLOSE || event->kind == ACURAST__WS_ERROR)
        add(all, event->code);
    if (!data || event->last)
        all->count++;
}

static told read_all(const uint8_t *data, size_t size, bool client, size_t limit, size_t slice)
{
    told all = {0};
    acurast__ws_reader reader;
    acurast__ws_found event = {0};
    uint8_t rest[ACURAST__WS_REST_MAX];
    size_t rest_size = 0;
    acurast__ws_reader_init(&reader, client);
    for (size_t at = 0; at < size;) {
        size_t step = slice && slice < size - at ? slice : size - at;
        uint8_t *block = malloc(rest_size + step);
        REQUIRE(block);
        memcpy(block, rest, rest_size);
        memcpy(block + rest_size, data + at, step);
        acurast__ws_span span = {block, block + rest_size + step};
        uint8_t *before = span.at;
        while (acurast__ws_reader_next(&reader, &span, limit, &event) != ACURAST__WS_NOTHING) {
            REQUIRE(span.at >= before && span.at <= span.end);
            before = span.at;
            tell(&all, &event);
        }
        rest_size = (size_t)(span.end - span.at);
        REQUIRE(rest_size <= sizeof rest);
        memcpy(rest, span.at, rest_size);
        free(block);
        at += step;
    }
    return all;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    uint8_t how = fuzz_byte(&input);
    size_t limit = (size_t)fuzz_byte(&input) * 4, slice = (size_t)1 + fuzz_byte(&input);
    told whole = read_all(input.at, input.left, how & 1, limit, 0);
    told sliced = read_all(input.at, input.left, how & 1, limit, slice);
    REQUIRE(whole.count == sliced.count && whole.sum == sliced.sum);
    return 0;
}
