/* Frames: a fixed header and a body that is told by the message's end. No state. */
#include "wire/frame.h"

#include <string.h>

const uint8_t acurast__id_service[16];

bool acurast__frame_decode(acurast__frame *frame, const uint8_t *bytes, size_t size)
{
    if (size < ACURAST__HEADER_SIZE)
        return false;
    frame->version = bytes[0] >> 4;
    frame->type = bytes[0] & 15;
    frame->sender = bytes + 1;
    frame->recipient = bytes + 17;
    frame->body = bytes + ACURAST__HEADER_SIZE;
    frame->body_size = size - ACURAST__HEADER_SIZE;
    return true;
}

size_t acurast__frame_header(uint8_t *bytes, acurast__frame_type type, const uint8_t *sender, const uint8_t *recipient)
{
    bytes[0] = (uint8_t)(ACURAST__VERSION << 4 | type);
    memcpy(bytes + 1, sender ? sender : acurast__id_service, 16);
    memcpy(bytes + 17, recipient ? recipient : acurast__id_service, 16);
    return ACURAST__HEADER_SIZE;
}

bool acurast__response_decode(acurast__response *response, const acurast__frame *frame)
{
    if (frame->body_size != ACURAST__RESPONSE_BODY_SIZE)
        return false;
    response->challenge = frame->body;
    response->public_key = frame->body + 16;
    response->nonce = frame->body + 49;
    response->signature = frame->body + 65;
    return true;
}
