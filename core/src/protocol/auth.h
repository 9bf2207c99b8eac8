/*
 * What an Ed25519 identity signs: "acurast-auth-1" || the service's name || H. The
 * name makes the signature worthless anywhere else.
 */
#ifndef ACURAST_PROTOCOL_AUTH_H
#define ACURAST_PROTOCOL_AUTH_H

#include <stddef.h>
#include <stdint.h>

/* The longest name: a host of 253 characters, a colon, a port. */
#define ACURAST__NAME_MAX_SIZE 259
#define ACURAST__AUTH_MAX_SIZE (14 + ACURAST__NAME_MAX_SIZE + 32)

/* Writes the message and returns its size; 0 where the name is empty or too long. */
size_t acurast__auth_message(uint8_t message[ACURAST__AUTH_MAX_SIZE], const char *name, const uint8_t digest[32]);

#endif
