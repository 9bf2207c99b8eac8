/* acurast-service --healthcheck: asks a service that runs on this machine, from a process of its own, whether it is ready. */
#ifndef ACURAST_TOOLS_HEALTH_H
#define ACURAST_TOOLS_HEALTH_H

#include "command.h"

/*
 * `options` are those of the service that is asked, at --admin-listen, else at the first --listen. Prints what /readyz answers, waits for
 * three seconds at most, and returns the exit code: COMMAND_OK where it is ready, COMMAND_FAILED where not, with the reason on stderr.
 */
int health_check(const acurast_options *options);

#endif
