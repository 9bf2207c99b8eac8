/*
 * One text, one pass of yajl. Before it, the bytes are looked at, as yajl takes more than JSON does: form feeds and vertical tabs as
 * blanks, UTF-8 that is overlong or beyond Unicode, surrogates without their other half (which some releases of it abort on). After it,
 * what follows the value has to be blank, since yajl takes half a string there.
 *
 * yajl never looks whether its allocator gave NULL. So its memory is an arena: 1 KiB on the stack, which is all that a text without
 * escapes takes, then blocks of the heap; where one cannot be had, the arena jumps out of the parser and frees what it gave.
 */
#include "rpc/json_reader.h"

#include "base/memory.h"
#include "base/utf8.h"
#include "rpc/message.h"

#include <setjmp.h>
#include <string.h>

#define ARENA_SIZE 1024
#define ALIGNMENT 16
#define TEXT_MAX ((size_t)512 * 1024 * 1024) /* so that no size that yajl doubles overflows */

/* In front of each block that the arena gives. */
typedef struct block {
    _Alignas(ALIGNMENT) struct block *next; /* of the heap's blocks */
    size_t size;
} block;

typedef struct arena {
    _Alignas(ALIGNMENT) uint8_t bytes[ARENA_SIZE];
    size_t used;
    block *heap;
    jmp_buf out;
} arena;

static void *arena_take(void *context, size_t size)
{
    arena *from = context;
    size_t whole = sizeof(block) + (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    block *taken;
    if (size > SIZE_MAX / 4)
        longjmp(from->out, 1);
    if (whole <= sizeof from->bytes - from->used) {
        taken = (block *)(void *)(from->bytes + from->used);
        from->used += whole;
    } else {
        taken = acurast__alloc(whole);
        if (!taken)
            longjmp(from->out, 1);
        taken->next = from->heap;
        from->heap = taken;
    }
    taken->size = size;
    return taken + 1;
}

/* Buffers are doubled as they grow, so that what is left behind is as much again at most. */
static void *arena_grow(void *context, void *old, size_t size)
{
    void *grown = arena_take(context, size);
    if (old) {
        const block *before = (const block *)old - 1;
        memcpy(grown, old, before->size < size ? before->size : size);
    }
    return grown;
}

static void arena_keep(void *context, void *old)
{
    (void)context;
    (void)old;
}

static void arena_clear(arena *from)
{
    while (from->heap) {
        block *next = from->heap->next;
        acurast__free(from->heap);
        from->heap = next;
    }
}

int acurast__json_opens(acurast__json_reader *reader)
{
    return reader->depth++ < ACURAST__RPC_DEPTH_MAX;
}

int acurast__json_closes(acurast__json_reader *reader)
{
    if (--reader->depth == 0)
        reader->end = acurast__json_at(reader);
    return 1;
}

int acurast__json_scalar(acurast__json_reader *reader)
{
    if (reader->depth == 0)
        reader->end = acurast__json_at(reader);
    return 1;
}

static int hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* The number behind \u, or -1. */
static int32_t escaped_unit(const uint8_t *at, size_t left)
{
    int32_t unit = 0;
    if (left < 6 || at[0] != '\\' || at[1] != 'u')
        return -1;
    for (size_t i = 2; i < 6; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

/* The size of an escape; 0 for one that is cut, for \u without its four digits, and for half of a pair. */
static size_t escape(const uint8_t *at, size_t left)
{
    if (left < 2 || at[1] != 'u')
        return left < 2 ? 0 : 2;
    int32_t unit = escaped_unit(at, left);
    if (unit < 0xd800 || unit > 0xdfff)
        return unit < 0 ? 0 : 6;
    int32_t low = escaped_unit(at + 6, left - 6);
    return unit <= 0xdbff && low >= 0xdc00 && low <= 0xdfff ? 12 : 0;
}

/* Eight bytes of ASCII without a backslash or anything below the space. */
static bool plain(const uint8_t *at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    uint64_t word;
    memcpy(&word, at, sizeof word);
    uint64_t slash = word ^ (ones * '\\');
    return !((word | (word - ones * ' ') | (slash - ones)) & tops);
}

/* How much of the text yajl may see. */
static size_t fit_for_yajl(const uint8_t *text, size_t size)
{
    const uint8_t *at = text;
    size_t left = size;
    while (left) {
        size_t step = 1;
        if (left >= 8 && plain(at))
            step = 8;
        else if (*at == '\\')
            step = escape(at, left);
        else if (*at >= 0x80)
            step = acurast__utf8_sequence(at, left);
        else if (*at < ' ' && !acurast__json_blank(*at))
            step = 0;
        if (!step)
            break;
        at += step;
        left -= step;
    }
    return size - left;
}

/* Where not all of the text is fit, its beginning is read for the events, and the text is bad. */
static acurast__json_end run(acurast__json_reader *reader, const yajl_callbacks *events, arena *memory)
{
    size_t fit = fit_for_yajl(reader->text, reader->size);
    yajl_alloc_funcs functions = {arena_take, arena_grow, arena_keep, memory};
    if (setjmp(memory->out))
        return ACURAST__JSON_NO_MEMORY;
    reader->parser = yajl_alloc(events, &functions, reader);
    yajl_config(reader->parser, yajl_dont_validate_strings, 1);
    yajl_status status = yajl_parse(reader->parser, reader->text, fit);
    if (status == yajl_status_ok && !reader->end) { /* a number on top ends where the text ends */
        reader->last = true;
        status = yajl_complete_parse(reader->parser);
    }
    if (status != yajl_status_ok || !reader->end || fit != reader->size)
        return ACURAST__JSON_BAD;
    for (size_t i = reader->end; i < reader->size; i++)
        if (!acurast__json_blank(reader->text[i]))
            return ACURAST__JSON_BAD;
    return ACURAST__JSON_GOOD;
}

acurast__json_end acurast__json_read(acurast__json_reader *reader, const yajl_callbacks *events, const uint8_t *text,
                                     size_t size)
{
    arena memory;
    *reader = (acurast__json_reader){.text = text, .size = size};
    if (size > TEXT_MAX)
        return ACURAST__JSON_BAD;
    memory.used = 0;
    memory.heap = NULL;
    acurast__json_end end = run(reader, events, &memory);
    arena_clear(&memory);
    reader->parser = NULL;
    return end;
}
