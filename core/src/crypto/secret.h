/* Where secrets live: cells of 64 bytes in guarded memory. */
#ifndef ACURAST_CRYPTO_SECRET_H
#define ACURAST_CRYPTO_SECRET_H

#include <stdbool.h>
#include <stdint.h>

#define ACURAST__SECRET_SIZE 64

struct acurast__secret_box;

/* Read through `bytes`; nobody may write to it. */
typedef struct acurast__secret {
    const uint8_t *bytes;
    struct acurast__secret_box *box;
} acurast__secret;

/* Copies the bytes into a cell; wipe the original. False without memory. Any thread; after sodium_init(). */
bool acurast__secret_keep(acurast__secret *secret, const uint8_t bytes[ACURAST__SECRET_SIZE]);

/* Wipes the cell and gives it back. Any thread; does nothing for one that is all zero. */
void acurast__secret_drop(acurast__secret *secret);

#endif
