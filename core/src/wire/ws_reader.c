/* A header is judged by its first two bytes as soon as they are there; nothing else is looked at twice. */
#include "wire/ws_reader.h"

#include "base/bytes.h"
#include "base/utf8.h"

#include <string.h>

#define FIN 0x80
#define RESERVED 0x70
#define OPCODE 0x0f
#define CONTROL 0x08
#define MASKED 0x80

#define CONTINUATION 0
#define TEXT 1
#define BINARY 2
#define CLOSE 8
#define PING 9
#define PONG 10

#define CONTROL_MAX 125
#define NO_CODE 1005

typedef struct frame_header {
    bool final;
    uint8_t opcode;
    uint8_t short_length; /* the seven bits */
    uint64_t length;
    const uint8_t *mask;
    size_t size;
} frame_header;

void acurast__ws_reader_init(acurast__ws_reader *reader, bool client)
{
    memset(reader, 0, sizeof *reader);
    reader->client = client;
}

bool acurast__ws_code_valid(uint16_t code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

/* Eight bytes of the mask, from `phase` on: made of registers, since bytes that were just stored are slow to load as a word. */
static uint64_t widen(const uint8_t *mask, uint8_t phase)
{
    uint8_t turned[4] = {mask[phase & 3], mask[(phase + 1) & 3], mask[(phase + 2) & 3], mask[(phase + 3) & 3]};
    uint32_t four;
    memcpy(&four, phase ? turned : mask, sizeof four);
    return (uint64_t)four << 32 | four;
}

static void unmask(uint8_t *bytes, size_t size, const uint8_t *mask, uint8_t phase)
{
    uint64_t word[4], wide = widen(mask, phase);
    uint8_t *end = bytes + size;
    for (; (size_t)(end - bytes) >= sizeof word; bytes += sizeof word) {
        memcpy(word, bytes, sizeof word);
        word[0] ^= wide;
        word[1] ^= wide;
        word[2] ^= wide;
        word[3] ^= wide;
        memcpy(bytes, word, sizeof word);
    }
    for (; (size_t)(end - bytes) >= sizeof wide; bytes += sizeof wide) {
        memcpy(word, bytes, sizeof wide);
        word[0] ^= wide;
        memcpy(bytes, word, sizeof wide);
    }
    for (size_t i = 0; bytes < end; bytes++, i++)
        *bytes ^= mask[(phase + i) & 3];
}

static acurast__ws_event_kind fail(acurast__ws_reader *reader, acurast__ws_found *event, uint16_t code,
                                   const char *problem)
{
    reader->over = true;
    event->kind = ACURAST__WS_ERROR;
    event->code = code;
    event->problem = problem;
    return event->kind;
}

/* What is wrong with a frame by its first two bytes; NULL: nothing. */
static const char *find_problem(const acurast__ws_reader *reader, const uint8_t *at)
{
    uint8_t opcode = at[0] & OPCODE;
    if (at[0] & RESERVED)
        return "a reserved bit is set";
    if (!(at[1] & MASKED) != reader->client)
        return reader->client ? "a frame of the service is masked" : "a frame of the client is not masked";
    if (opcode > PONG || (opcode > BINARY && opcode < CLOSE))
        return "unknown opcode";
    if (opcode & CONTROL)
        return !(at[0] & FIN)                    ? "a control frame in fragments"
               : (at[1] & ~MASKED) > CONTROL_MAX ? "a control frame that is too long"
                                                 : NULL;
    if (!opcode != !!reader->opcode)
        return opcode ? "a new message within another" : "a continuation of nothing";
    return NULL;
}

/* Its length; false where it is not in its shortest form, or has its highest bit set. */
static bool read_length(frame_header *header, const uint8_t *at)
{
    header->length = header->short_length;
    if (header->short_length == 126)
        header->length = acurast__load_be16(at + 2);
    else if (header->short_length == 127)
        header->length = acurast__load_be64(at + 2);
    return header->short_length == 127   ? header->length > UINT16_MAX && header->length <= INT64_MAX
           : header->short_length == 126 ? header->length >= 126
                                         : true;
}

/* Reads a header that has come as a whole. */
static bool read_header(const acurast__ws_reader *reader, frame_header *header, const uint8_t *at)
{
    size_t extended = header->size - 2 - (reader->client ? 0 : 4);
    header->final = at[0] & FIN;
    header->opcode = at[0] & OPCODE;
    header->mask = at + 2 + extended;
    return read_length(header, at);
}

static size_t header_size(const acurast__ws_reader *reader, uint8_t short_length)
{
    size_t size = short_length < 126 ? 2 : short_length == 126 ? 4 : 10;
    return reader->client ? size : size + 4;
}

/* ---- control frames ---- */

static acurast__ws_event_kind on_close(acurast__ws_reader *reader, acurast__ws_found *event)
{
    if (event->size == 1)
        return fail(reader, event, 1002, "a close code in part");
    event->code = event->size ? acurast__load_be16(event->bytes) : NO_CODE;
    if (event->size && !acurast__ws_code_valid(event->code))
        return fail(reader, event, 1002, "an invalid close code");
    if (event->size) {
        event->bytes += 2;
        event->size -= 2;
    }
    if (!acurast__utf8_valid(event->bytes, event->size))
        return fail(reader, event, 1007, "a close reason that is not UTF-8");
    reader->over = true;
    return event->kind = ACURAST__WS_CLOSE;
}

static acurast__ws_event_kind on_control(acurast__ws_reader *reader, acurast__ws_span *span, const frame_header *header,
                                         acurast__ws_found *event)
{
    if ((size_t)(span->end - span->at) < header->size + header->length)
        return event->kind = ACURAST__WS_NOTHING;
    event->bytes = span->at + header->size;
    event->size = (size_t)header->length;
    span->at = event->bytes + event->size;
    if (!reader->client)
        unmask(event->bytes, event->size, header->mask, 0);
    if (header->opcode == CLOSE)
        return on_close(reader, event);
    return event->kind = header->opcode == PING ? ACURAST__WS_PING : ACURAST__WS_PONG;
}

/* ---- messages ---- */

static void end_frame(acurast__ws_reader *reader)
{
    reader->payload = false;
    if (!reader->final)
        return;
    reader->opcode = 0;
    reader->total = 0;
    reader->told = reader->skipping = false;
}

/* As much of the frame as has come. False where that tells nobody anything. */
static bool take_payload(acurast__ws_reader *reader, acurast__ws_span *span, acurast__ws_found *event)
{
    size_t size = (size_t)(span->end - span->at);
    if (size > reader->left)
        size = (size_t)reader->left;
    event->bytes = span->at;
    event->size = size;
    span->at += size;
    reader->left -= size;
    if (!reader->client && !reader->skipping) {
        unmask(event->bytes, size, reader->mask, reader->phase);
        reader->phase = (uint8_t)((reader->phase + size) & 3);
    }
    event->text = reader->opcode == TEXT;
    event->first = !reader->told;
    event->last = reader->final && !reader->left;
    event->kind = event->first && event->last ? ACURAST__WS_MESSAGE : ACURAST__WS_PIECE;
    bool tells = !reader->skipping && (size || event->last);
    reader->told |= tells;
    if (!reader->left)
        end_frame(reader);
    return tells;
}

/* True where it is the first frame by which the message is too large. */
static bool begin_frame(acurast__ws_reader *reader, const frame_header *header, size_t max_message)
{
    if (header->opcode)
        reader->opcode = header->opcode;
    reader->payload = true;
    reader->final = header->final;
    reader->left = header->length;
    reader->phase = 0;
    if (!reader->client)
        memcpy(reader->mask, header->mask, sizeof reader->mask);
    if (reader->skipping)
        return false;
    reader->skipping = reader->total > max_message || header->length > max_message - reader->total;
    reader->total += reader->skipping ? 0 : header->length;
    return reader->skipping;
}

/* A header, or a whole control frame. NOTHING also where a message's frame has begun, of which `reader->payload` tells. */
static acurast__ws_event_kind take_header(acurast__ws_reader *reader, acurast__ws_span *span, size_t max_message,
                                          acurast__ws_found *event)
{
    size_t size = (size_t)(span->end - span->at);
    event->kind = ACURAST__WS_NOTHING;
    if (size < 2)
        return event->kind;
    const char *problem = find_problem(reader, span->at);
    if (problem)
        return fail(reader, event, 1002, problem);
    frame_header header = {.short_length = span->at[1] & (uint8_t)~MASKED};
    header.size = header_size(reader, header.short_length);
    if (size < header.size)
        return event->kind;
    if (!read_header(reader, &header, span->at))
        return fail(reader, event, 1002, "a length that is not in its shortest form, or too large");
    if (header.opcode & CONTROL)
        return on_control(reader, span, &header, event);
    if (begin_frame(reader, &header, max_message))
        event->kind = ACURAST__WS_TOO_LARGE;
    span->at += header.size;
    return event->kind;
}

acurast__ws_event_kind acurast__ws_reader_next(acurast__ws_reader *reader, acurast__ws_span *span, size_t max_message,
                                               acurast__ws_found *event)
{
    while (!reader->over) {
        if (!reader->payload) {
            acurast__ws_event_kind kind = take_header(reader, span, max_message, event);
            if (kind != ACURAST__WS_NOTHING || !reader->payload)
                return kind;
        }
        if (reader->left && span->at == span->end)
            return event->kind = ACURAST__WS_NOTHING;
        if (take_payload(reader, span, event))
            return event->kind;
    }
    span->at = span->end;
    return event->kind = ACURAST__WS_NOTHING;
}
