/* Masks of a client's frames. They are not secrets, but must not be foreseen by whoever chooses the payload (RFC 6455, 10.3). */
#ifndef ACURAST_NET_MASK_H
#define ACURAST_NET_MASK_H

#include <stdint.h>

/* The next one, 4 bytes: valid until the calling thread asks again. Any thread. */
const uint8_t *acurast__mask_next(void);

#endif
