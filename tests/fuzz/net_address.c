/* Any text as an address or a network: what is taken can be written and read again, and a network holds its own address. */
#include "fuzz.h"

#include "net/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    acurast__address first, second;
    acurast__network network;
    char text[300], written[ACURAST__ADDRESS_TEXT_SIZE];
    if (size >= sizeof text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (acurast__address_parse(&first, text)) {
        acurast__address_format(&first, written);
        REQUIRE(acurast__address_parse(&second, written));
        REQUIRE(memcmp(&first, &second, sizeof first) == 0);
        second = acurast__address_group(&first);
        first = acurast__address_group(&second);
        REQUIRE(memcmp(&first, &second, sizeof first) == 0);
    }
    if (acurast__network_parse(&network, text))
        REQUIRE(network.bits <= 128 && acurast__network_contains(&network, &network.address));
    return 0;
}
