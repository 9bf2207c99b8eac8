/* What the options of a client amount to: read once, when it is created. */
#ifndef ACURAST_CLIENT_SETTINGS_H
#define ACURAST_CLIENT_SETTINGS_H

#include "client/connection.h"
#include "client/round.h"

#include <acurast/options.h>

typedef struct acurast__client_settings {
    acurast__connection_settings connection;
    acurast__tls *tls; /* NULL where no service of the list is wss:// */
    uint32_t backoff_min_ms;
    uint32_t backoff_max_ms;
    uint32_t refused_backoff_ms;
    uint32_t linger_ms;
    uint32_t send_timeout_ms; /* 0: none */
    size_t outbox_count;
    size_t outbox_bytes;
    uint32_t serve_running;
    uint32_t serve_waiting;
    bool reconnect_when_replaced;
} acurast__client_settings;

/* Also fills `round`. BAD_OPTION, TLS or NO_MEMORY; acurast_options_error() tells more. On failure both are empty. */
acurast_status acurast__client_settings_read(acurast__client_settings *settings, acurast__round *round,
                                             acurast_options *options);

void acurast__client_settings_clear(acurast__client_settings *settings);

#endif
