/* The programs are short: what they wait for comes within CLIENT_WAIT_MS, or they end with a line that says what did not. */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>

void client_check(acurast_status status, const char *what)
{
    if (status == ACURAST_OK)
        return;
    fprintf(stderr, "bench: %s: %s\n", what, acurast_status_text(status));
    exit(2);
}

acurast_client *client_open(acurast_context *context, const char *url, acurast_event_callback callback)
{
    acurast_options *options = NULL;
    acurast_client *client = NULL;
    client_check(acurast_options_create(ACURAST_SCOPE_CLIENT, &options), "options");
    client_check(acurast_options_set(options, "url", url), "url");
    client_check(acurast_client_create(context, options, NULL, &client), "client");
    acurast_options_release(options);
    client_check(acurast_client_set_callback(client, callback, NULL, NULL), "callback");
    client_check(acurast_client_connect(client), "connect");
    client_check(acurast_client_wait(client, CLIENT_WAIT_MS), "wait");
    return client;
}

void client_end(acurast_context *context)
{
    client_check(acurast_context_close(context), "close");
    client_check(acurast_context_wait(context, CLIENT_WAIT_MS), "end");
}
