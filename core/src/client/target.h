/*
 * One service that a client may connect to, as parsed from its URL: ws:// or wss://,
 * a host name or a literal address, a port, a path. Blanks around it are trimmed, since real lists carry them.
 */
#ifndef ACURAST_CLIENT_TARGET_H
#define ACURAST_CLIENT_TARGET_H

#include "net/proxy.h"

#include <acurast/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACURAST__HOST_MAX_SIZE 255
#define ACURAST__URL_MAX_SIZE 2048

typedef struct acurast__target {
    char *url;  /* as given, trimmed */
    char *host; /* lower case, an IPv6 address without brackets */
    char *name; /* host:port as an Ed25519 handshake signs it: lower case, an IPv6 address in brackets */
    char *path; /* with its query; begins with / */
    uint16_t port;
    bool secure;
    acurast__proxy *proxy; /* that leads to it; NULL: none. Not part of the URL: the settings fill it in */
} acurast__target;

/* `*problem` (static text) says what is wrong with the URL. BAD_OPTION or NO_MEMORY; `target` is then empty. */
acurast_status acurast__target_parse(acurast__target *target, const char *url, const char **problem);

/* Safe for an empty (zeroed) target. */
void acurast__target_clear(acurast__target *target);

#endif
