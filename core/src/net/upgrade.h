/* What client and service say to each other before a connection is a websocket (RFC 6455, 4). */
#ifndef ACURAST_NET_UPGRADE_H
#define ACURAST_NET_UPGRADE_H

#include <stdbool.h>
#include <stddef.h>

/* Texts with their NUL: 16 bytes in base64, and a SHA-1 in base64. */
#define ACURAST__UPGRADE_KEY_SIZE 25
#define ACURAST__UPGRADE_PROOF_SIZE 29

/*
 * To be called before the first I/O thread is started: what libcrypto makes at its first use is made here. If an I/O thread made it, a fork at that
 * moment would leave it half made in the child, and libcrypto would be cleaned up before what a program has for its exit. False without memory.
 */
bool acurast__upgrade_prepare(void);

/* A new random key. */
void acurast__upgrade_key(char key[ACURAST__UPGRADE_KEY_SIZE]);

/* What a service answers to a key, which has 24 characters. False without memory. */
bool acurast__upgrade_proof(const char *key, char proof[ACURAST__UPGRADE_PROOF_SIZE]);

#endif
