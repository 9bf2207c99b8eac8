/* Reloads of a service, on a thread of their own: a file may be on a disk that hangs, and signals have to be heard all the same. */
#ifndef ACURAST_TOOLS_RELOAD_H
#define ACURAST_TOOLS_RELOAD_H

#include <acurast/acurast.h>

#include <stdbool.h>

/*
 * Begins one, and logs how it ends. While one is under way it is noted, and the files are read once more after that. Always the same
 * service, always from the same thread.
 */
void reload_begin(acurast_service *service);

/* True while the service is in use by one. */
bool reload_under_way(void);

#endif
