/* A processor: sends every payload back to its sender. Usage: echo URL [KEY.pem] */
#include <acurast/acurast.h>

#include <stdio.h>

static acurast_client *client;

static void on_event(void *user, const acurast_event_view *event)
{
    (void)user;
    if (event->type == ACURAST_EVENT_PAYLOAD)
        acurast_client_send(client, event->sender, ACURAST_ID_SIZE, event->payload, event->payload_size, NULL, NULL);
    if (event->type == ACURAST_EVENT_STATE && event->state == ACURAST_STATE_CONNECTED)
        fprintf(stderr, "connected to %s\n", event->text);
}

int main(int argc, char **argv)
{
    char pem[4096];
    FILE *file = argc > 2 ? fopen(argv[2], "r") : NULL;
    size_t size = file ? fread(pem, 1, sizeof pem, file) : 0;
    uint8_t key[ACURAST_PUBLIC_KEY_SIZE];
    acurast_context *context;
    acurast_options *options;
    acurast_identity *identity;

    if (argc < 2 || acurast_context_create(NULL, &context) || acurast_options_create(ACURAST_SCOPE_CLIENT, &options) ||
        acurast_options_add(options, "url", argv[1]) ||
        (argc > 2 ? acurast_identity_from_pem(pem, size, &identity)
                  : acurast_identity_generate(ACURAST_KEY_P256, &identity)) ||
        acurast_identity_public_key(identity, key) || acurast_client_create(context, options, identity, &client) ||
        acurast_client_set_callback(client, on_event, NULL, NULL)) {
        fprintf(stderr, "usage: echo URL [KEY.pem]\n");
        return 1;
    }
    for (size_t i = 0; i < sizeof key; i++)
        printf("%02x%s", key[i], i + 1 < sizeof key ? "" : "\n");
    fflush(stdout);
    acurast_client_connect(client);
    acurast_context_wait(context, -1);
    return 0;
}
