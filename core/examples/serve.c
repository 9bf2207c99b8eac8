/* A processor: answers requests for two methods. Usage: serve URL */
#include <acurast/acurast.h>

#include <stdio.h>
#include <time.h>

enum {
    ECHO,
    TIME
};

static acurast_client *client;

static void on_event(void *user, const acurast_event_view *event)
{
    char text[32];
    (void)user;
    if (event->type != ACURAST_EVENT_REQUEST)
        return;
    if (event->token == ECHO) {
        acurast_client_answer(client, event->operation, event->payload, event->payload_size);
    } else {
        int size = snprintf(text, sizeof text, "%lld", (long long)time(NULL));
        acurast_client_answer(client, event->operation, text, (size_t)size);
    }
}

int main(int argc, char **argv)
{
    acurast_context *context;
    acurast_options *options;
    acurast_identity *identity;
    uint8_t key[ACURAST_PUBLIC_KEY_SIZE];

    if (argc != 2 || acurast_context_create(NULL, &context) || acurast_options_create(ACURAST_SCOPE_CLIENT, &options) ||
        acurast_options_add(options, "url", argv[1]) || acurast_identity_generate(ACURAST_KEY_P256, &identity) ||
        acurast_identity_public_key(identity, key) || acurast_client_create(context, options, identity, &client) ||
        acurast_client_set_callback(client, on_event, NULL, NULL) || acurast_client_serve(client, "echo", ECHO) ||
        acurast_client_serve(client, "time", TIME) || acurast_client_connect(client)) {
        fprintf(stderr, "usage: serve URL\n");
        return 1;
    }
    for (size_t i = 0; i < sizeof key; i++)
        printf("%02x%s", key[i], i + 1 < sizeof key ? "" : "\n");
    fflush(stdout);
    acurast_context_wait(context, -1);
    return 0;
}
