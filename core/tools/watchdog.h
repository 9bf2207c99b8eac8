/*
 * Watches the I/O threads of a service from the program's main thread: one that does not turn is told on standard error with its stack,
 * and where the user said so, the program ends.
 */
#ifndef ACURAST_TOOLS_WATCHDOG_H
#define ACURAST_TOOLS_WATCHDOG_H

#include <acurast/acurast.h>

#include <stdbool.h>

/* How often it looks, in milliseconds. */
#define WATCHDOG_TICK_MS 1000

/* What its limit may be, if it is not 0: three looks, and what an alarm can hold. */
#define WATCHDOG_MIN_MS 3000
#define WATCHDOG_MAX_MS 86400000

struct watchdog {
    uint64_t limit_ms;  /* of standing still, after which the program ends; 0: never */
    uint64_t looked_ms; /* when it last looked */
    unsigned looks;     /* in a row at which a thread stood still */
    unsigned thread;
    bool told;
};

/* Prepares for taking stacks; the rest is zero but for `limit_ms`. False where the system refuses. Takes SIGALRM and SIGTRAP. */
bool watchdog_open(void);

/* Looks at the threads, if a tick is over. Does not return where the program is to end: its exit code is 1. */
void watchdog_look(struct watchdog *watchdog, const acurast_service *service);

#endif
