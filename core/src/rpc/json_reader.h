/*
 * The door to yajl, the parser of JSON. Its events come while it reads; the reader counts the depth and sees to what yajl lets pass.
 * core/docs/requests.md, "The parser", says why yajl and what that is.
 */
#ifndef ACURAST_RPC_JSON_READER_H
#define ACURAST_RPC_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <yajl/yajl_parse.h>

typedef enum acurast__json_end {
    ACURAST__JSON_GOOD,
    ACURAST__JSON_BAD, /* not JSON, too deep, or stopped by an event */
    ACURAST__JSON_NO_MEMORY
} acurast__json_end;

/* The first member of what is passed to the events. */
typedef struct acurast__json_reader {
    const uint8_t *text;
    size_t size;
    yajl_handle parser;
    unsigned depth; /* of open arrays and objects */
    size_t end;     /* after the value on top; 0: not yet */
    bool last;      /* all of the text was given */
} acurast__json_reader;

/* Where the token ends that an event is about. */
static inline size_t acurast__json_at(const acurast__json_reader *reader)
{
    return reader->last ? reader->size : yajl_get_bytes_consumed(reader->parser);
}

/* Each event of a start, an end or a scalar calls one of these first; 0: it returns 0. */
int acurast__json_opens(acurast__json_reader *reader);
int acurast__json_closes(acurast__json_reader *reader);
int acurast__json_scalar(acurast__json_reader *reader);

/* `reader` is what the events get. The whole text is one value, with blanks around it. */
acurast__json_end acurast__json_read(acurast__json_reader *reader, const yajl_callbacks *events, const uint8_t *text,
                                     size_t size);

static inline bool acurast__json_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

#endif
