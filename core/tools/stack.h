/* Where an I/O thread of the library is at the moment, for the log. */
#ifndef ACURAST_TOOLS_STACK_H
#define ACURAST_TOOLS_STACK_H

#include <stdbool.h>

/* Once, before anything hangs; false where the system refuses. Takes SIGTRAP. */
bool stack_open(void);

/* Logs the stack of I/O thread `index`, a line a frame, or why there is none. Waits a second for the thread at most. */
void stack_say(unsigned index);

#endif
