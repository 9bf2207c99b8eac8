/* Any bytes as a frame: the view stays within them, and the header can be written again. */
#include "fuzz.h"

#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    acurast__frame frame;
    acurast__response response;
    bool decoded = acurast__frame_decode(&frame, data, size);
    REQUIRE(decoded == (size >= ACURAST__HEADER_SIZE));
    if (!decoded)
        return 0;
    REQUIRE(frame.body + frame.body_size == data + size);
    if (acurast__response_decode(&response, &frame))
        REQUIRE(response.challenge == frame.body && response.signature + 64 == data + size);
    uint8_t header[ACURAST__HEADER_SIZE];
    acurast__frame_header(header, (acurast__frame_type)frame.type, frame.sender, frame.recipient);
    if (frame.version == ACURAST__VERSION)
        REQUIRE(memcmp(header, data, sizeof header) == 0);
    return 0;
}
