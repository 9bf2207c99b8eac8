/*
 * Who answers in the rows of requests: clients of this library that serve the method `price`, all in this process on one I/O thread.
 * Prints the id of each on a line of its own, then "ready", and goes on until it is ended.
 *
 *   bench_answerer URL COUNT
 */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_COUNT = 1000,
};

static const char RESULT[] = "{\"pair\":\"EUR/CHF\",\"price\":0.94}";

static void on_event(void *user, const acurast_event_view *event)
{
    acurast_client *client = *(acurast_client **)user;
    if (event->type == ACURAST_EVENT_REQUEST)
        client_check(acurast_client_answer(client, event->operation, RESULT, sizeof RESULT - 1), "answer");
}

static void serve(acurast_context *context, acurast_options *options, acurast_client **client)
{
    client_check(acurast_client_create(context, options, NULL, client), "client");
    client_check(acurast_client_set_callback(*client, on_event, client, NULL), "callback");
    client_check(acurast_client_serve(*client, "price", 0), "serve");
    client_check(acurast_client_connect(*client), "connect");
    client_check(acurast_client_wait(*client, CLIENT_WAIT_MS), "wait");
    const uint8_t *id = acurast_client_id(*client);
    for (size_t i = 0; i < ACURAST_ID_SIZE; i++)
        printf("%02x", id[i]);
    putchar('\n');
}

int main(int argc, char **argv)
{
    static acurast_client *clients[MAX_COUNT];
    acurast_context *context = NULL;
    acurast_options *options = NULL;
    long count = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
    if (count < 1 || count > MAX_COUNT) {
        fprintf(stderr, "usage: bench_answerer URL COUNT (1 to %d)\n", MAX_COUNT);
        return 2;
    }
    client_check(acurast_context_create(NULL, &context), "context");
    client_check(acurast_options_create(ACURAST_SCOPE_CLIENT, &options), "options");
    client_check(acurast_options_set(options, "url", argv[1]), "url");
    for (long i = 0; i < count; i++)
        serve(context, options, &clients[i]);
    puts("ready");
    fflush(stdout);
    client_check(acurast_context_wait(context, -1), "end");
    return 0;
}
