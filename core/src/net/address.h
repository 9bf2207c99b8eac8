/* Addresses of peers, and what can be asked of them. */
#ifndef ACURAST_NET_ADDRESS_H
#define ACURAST_NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACURAST__ADDRESS_TEXT_SIZE 64

/* An IPv6 address, or an IPv4 one mapped into it (::ffff:a.b.c.d). */
typedef struct acurast__address {
    uint8_t bytes[16];
} acurast__address;

/* A network: an address and how many of its 128 bits count. */
typedef struct acurast__network {
    acurast__address address;
    unsigned bits;
} acurast__network;

/* Literal addresses only, IPv6 with or without brackets. */
bool acurast__address_parse(acurast__address *address, const char *text);
void acurast__address_format(const acurast__address *address, char text[ACURAST__ADDRESS_TEXT_SIZE]);
bool acurast__address_loopback(const acurast__address *address);

/* True for an IPv4 address. */
bool acurast__address_is_four(const acurast__address *address);

/* The network of an IPv6 address with so many bits, a multiple of 8, the rest zeroed; an IPv4 address as it is. */
acurast__address acurast__address_network(const acurast__address *address, unsigned bits);

/* What limits count as one: an IPv4 address, or an IPv6 /64. */
acurast__address acurast__address_group(const acurast__address *address);

/* "10.0.0.0/8", "2001:db8::/32", or a single address. */
bool acurast__network_parse(acurast__network *network, const char *text);
bool acurast__network_contains(const acurast__network *network, const acurast__address *address);

#endif
