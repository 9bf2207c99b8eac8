/* What client and service say to each other before a connection is a websocket (RFC 6455, 4). */
#ifndef ACURAST_NET_UPGRADE_H
#define ACURAST_NET_UPGRADE_H

#include <stddef.h>

/* Texts with their NUL: 16 bytes in base64, and a SHA-1 in base64. */
#define ACURAST__UPGRADE_KEY_SIZE 25
#define ACURAST__UPGRADE_PROOF_SIZE 29

/* A new random key; an empty text where the system has no randomness. */
void acurast__upgrade_key(char key[ACURAST__UPGRADE_KEY_SIZE]);

/* What a service answers to a key, which has 24 characters. */
void acurast__upgrade_proof(const char *key, char proof[ACURAST__UPGRADE_PROOF_SIZE]);

#endif
