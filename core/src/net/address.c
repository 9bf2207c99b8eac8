/* Addresses are kept as IPv6, IPv4 mapped into it, so that there is one kind of them. */
#include "net/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

bool acurast__address_is_four(const acurast__address *address)
{
    return memcmp(address->bytes, mapped_prefix, sizeof mapped_prefix) == 0;
}

static bool parse_literal(acurast__address *address, const char *text)
{
    if (inet_pton(AF_INET6, text, address->bytes) == 1)
        return true;
    memcpy(address->bytes, mapped_prefix, sizeof mapped_prefix);
    return inet_pton(AF_INET, text, address->bytes + 12) == 1;
}

bool acurast__address_parse(acurast__address *address, const char *text)
{
    char literal[ACURAST__ADDRESS_TEXT_SIZE];
    size_t size = strlen(text);
    bool brackets = size >= 2 && text[0] == '[' && text[size - 1] == ']';
    if (brackets) {
        text++;
        size -= 2;
    }
    if (size >= sizeof literal)
        return false;
    memcpy(literal, text, size);
    literal[size] = 0;
    return (!brackets || strchr(literal, ':')) && parse_literal(address, literal);
}

void acurast__address_format(const acurast__address *address, char text[ACURAST__ADDRESS_TEXT_SIZE])
{
    if (acurast__address_is_four(address))
        inet_ntop(AF_INET, address->bytes + 12, text, ACURAST__ADDRESS_TEXT_SIZE);
    else
        inet_ntop(AF_INET6, address->bytes, text, ACURAST__ADDRESS_TEXT_SIZE);
}

bool acurast__address_loopback(const acurast__address *address)
{
    static const uint8_t six[16] = {[15] = 1};
    return (acurast__address_is_four(address) && address->bytes[12] == 127) || memcmp(address->bytes, six, 16) == 0;
}

acurast__address acurast__address_network(const acurast__address *address, unsigned bits)
{
    acurast__address network = *address;
    if (!acurast__address_is_four(address))
        memset(network.bytes + bits / 8, 0, sizeof network.bytes - bits / 8);
    return network;
}

acurast__address acurast__address_group(const acurast__address *address)
{
    return acurast__address_network(address, 64);
}

/* The bits after the slash; false unless they are digits up to `most`. */
static bool parse_bits(unsigned *bits, const char *text, unsigned most)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    unsigned long value = strtoul(text, &end, 10);
    *bits = (unsigned)value;
    return !*end && value <= most;
}

bool acurast__network_parse(acurast__network *network, const char *text)
{
    char literal[ACURAST__ADDRESS_TEXT_SIZE];
    const char *slash = strchr(text, '/');
    size_t size = slash ? (size_t)(slash - text) : strlen(text);
    if (size >= sizeof literal)
        return false;
    memcpy(literal, text, size);
    literal[size] = 0;
    if (!acurast__address_parse(&network->address, literal))
        return false;
    unsigned most = strchr(literal, ':') ? 128 : 32;
    network->bits = most;
    if (slash && !parse_bits(&network->bits, slash + 1, most))
        return false;
    network->bits += 128 - most;
    return true;
}

bool acurast__network_contains(const acurast__network *network, const acurast__address *address)
{
    unsigned bytes = network->bits / 8, rest = network->bits % 8;
    if (memcmp(network->address.bytes, address->bytes, bytes) != 0)
        return false;
    if (!rest)
        return true;
    unsigned difference = network->address.bytes[bytes] ^ address->bytes[bytes];
    return difference >> (8 - rest) == 0;
}
