/* Clients of the library, for the programs of the benchmark that measure it from within. What fails ends the program. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <acurast/acurast.h>

enum {
    CLIENT_WAIT_MS = 10000, /* for whatever is waited for */
};

/* Ends the program with a line on stderr where `status` is not OK. `what` names what was done. */
void client_check(acurast_status status, const char *what);

/* A client with a key of its own, connected. Its events go to `callback`, on the context's I/O thread. */
acurast_client *client_open(acurast_context *context, const char *url, acurast_event_callback callback);

/* Closes the context, and waits until nothing of it runs any more. */
void client_end(acurast_context *context);

#endif
