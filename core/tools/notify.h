/*
 * Tells the service manager how the program is, by the datagrams of sd_notify(3): Type=notify and WatchdogSec= of systemd, and whatever
 * else sets NOTIFY_SOCKET. Without that variable all of this does nothing. No call waits; what the manager has not read yet is kept, a
 * few messages of it, and sent at a later look. Any thread.
 */
#ifndef ACURAST_TOOLS_NOTIFY_H
#define ACURAST_TOOLS_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

typedef enum notify_state {
    NOTIFY_READY,
    NOTIFY_RELOADING, /* before READY nothing is told of reloads */
    NOTIFY_RELOADED,
    NOTIFY_STOPPING, /* after it nothing is told */
    NOTIFY_FAILED    /* why the program ends, as a status alone */
} notify_state;

/* Once, before threads are started. Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and logs what is wrong with them. */
void notify_open(void);

/* `status` is what the manager shows: a line of text, whose control characters are escaped. */
void notify_tell(notify_state state, const char *status);

/* As NOTIFY_STOPPING, with the time in milliseconds after which the program has ended at the latest. */
void notify_stopping(const char *status, uint64_t within_ms);

/* Sends what waits; true where a sign of life is due, which is for the caller to give once it knows that every thread turns. */
bool notify_look(void);

/* Gives it. */
void notify_alive(void);

/* How long the caller may sleep until the next look, in milliseconds: `most`, or less where signs of life are due more often. */
int notify_sleep_ms(int most);

#endif
