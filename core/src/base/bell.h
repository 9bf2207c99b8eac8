/* A descriptor that is readable while it rings: an eventfd on Linux, a pipe elsewhere. Not thread-safe. */
#ifndef ACURAST_BASE_BELL_H
#define ACURAST_BASE_BELL_H

#include <stdbool.h>

typedef struct acurast__bell {
    int reader; /* to be polled; -1: closed */
    int writer; /* the same one for an eventfd */
    bool ringing;
} acurast__bell;

/* False where no descriptor is left. Closed on exec. */
bool acurast__bell_open(acurast__bell *bell);

void acurast__bell_close(acurast__bell *bell);

/* Nothing happens while it rings already, or for one that is closed. */
void acurast__bell_ring(acurast__bell *bell);

/* Ends the ringing. To ring again is then a new edge for those who watch for edges. */
void acurast__bell_hush(acurast__bell *bell);

#endif
