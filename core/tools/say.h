/*
 * What a program that serves says: results on standard output, its log on standard error, a line each. Whoever says something never waits for
 * who reads it: lines are queued, and a thread for each of the two writes them.
 */
#ifndef ACURAST_TOOLS_SAY_H
#define ACURAST_TOOLS_SAY_H

#include <acurast/acurast.h>

/* To the log: the time in UTC, the level, and `text`, which is of the form `what=... key=value`. Any thread. */
void say(acurast_log_level level, const char *text);

/* A line without its end to standard error or standard output. Any thread. What others wrote in any of these is printed by foreign.h. */
void say_problem(const char *text);
void say_result(const char *text);

/* Before the program ends: waits for what is queued, for a second at most. */
void say_end(void);

#endif
