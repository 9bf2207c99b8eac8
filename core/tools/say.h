/* The log of a program: a line an event on standard error. */
#ifndef ACURAST_TOOLS_SAY_H
#define ACURAST_TOOLS_SAY_H

#include <acurast/acurast.h>

/* Prints the time in UTC, the level, and `text`, which is of the form `what=... key=value`. */
void say(acurast_log_level level, const char *text);

#endif
