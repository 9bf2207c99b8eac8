/* A dApp: asks a processor by JSON-RPC and prints the answer. Usage: dapp URL RECIPIENT METHOD [PARAMS] */
#include <acurast/acurast.h>

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    acurast_context *context = NULL;
    acurast_options *options = NULL;
    acurast_queue *queue = NULL;
    acurast_client *client = NULL;
    acurast_event_view event = {.size = sizeof event};
    const char *params = argc > 4 ? argv[4] : "";
    size_t count = 0;
    int done = 0;

    if (argc < 4 || acurast_context_create(NULL, &context) || acurast_queue_create(context, 0, 0, &queue) ||
        acurast_options_create(ACURAST_SCOPE_CLIENT, &options) || acurast_options_add(options, "url", argv[1]) ||
        acurast_client_create(context, options, NULL, &client) || acurast_client_set_queue(client, queue, 0) ||
        acurast_client_connect(client) ||
        acurast_client_request(client, argv[2], strlen(argv[2]), argv[3], params, strlen(params), NULL, NULL))
        fprintf(stderr, "usage: dapp URL RECIPIENT METHOD [PARAMS]\n");
    else
        while (!done && acurast_queue_take(queue, &event, 1, 11000, &count) == ACURAST_OK) {
            if (count && event.type == ACURAST_EVENT_REPLY)
                done = printf("%s: %.*s\n", acurast_status_text(event.status), (int)event.payload_size,
                              event.payload ? (const char *)event.payload : "");
            acurast_queue_done(queue);
        }
    acurast_client_release(client);
    acurast_queue_release(queue);
    acurast_options_release(options);
    acurast_context_release(context);
    return done ? 0 : 1;
}
