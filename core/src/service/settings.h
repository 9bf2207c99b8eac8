/*
 * The options of a service, checked and in the form in which they are used. Made at create, the same for all loops, not
 * changed afterwards.
 */
#ifndef ACURAST_SERVICE_SETTINGS_H
#define ACURAST_SERVICE_SETTINGS_H

#include "base/option.h"
#include "net/address.h"
#include "protocol/service_session.h"
#include "service/address_table.h"
#include "service/directory.h"
#include "service/rate.h"

#define ACURAST__HOST_SIZE 64

/* Where to listen. */
typedef struct acurast__endpoint {
    char host[ACURAST__HOST_SIZE]; /* a literal address without brackets, or "localhost" */
    uint16_t port;
    bool ipv6;
    bool loopback;
} acurast__endpoint;

typedef struct acurast__settings {
    acurast_options *options; /* a copy */
    acurast__service_terms terms;
    char **names; /* as in terms */
    acurast__endpoint *endpoints;
    size_t endpoint_count;
    acurast__endpoint admin;
    bool has_admin;
    const char *tls_cert; /* "": none */
    const char *tls_key;
    acurast__network *trusted; /* proxies */
    size_t trusted_count;
    acurast__rate_limits rates;
    acurast__address_limits addresses;
    acurast__directory_config directory; /* but for its functions */
    uint64_t max_pending; /* the limits: 0: none */
    uint64_t max_connections;
    uint64_t memory;
    size_t max_frame;
    size_t send_buffer;
    size_t watches; /* of one connection; 0: nobody is told who has left */
    size_t socket_send_buffer; /* 0: the kernel's own */
    size_t socket_receive_buffer;
    uint32_t handshake_ms;
    uint32_t ping_interval_ms;
    uint32_t ping_timeout_ms;
    uint32_t drain_ms;
} acurast__settings;

/* BAD_OPTION (told by acurast_options_error(options)) or NO_MEMORY; `options` may be NULL for the defaults. */
acurast_status acurast__settings_create(acurast_options *options, acurast__settings **settings);
void acurast__settings_release(acurast__settings *settings);

/* True where `address` is a proxy whose X-Forwarded-For is believed. */
bool acurast__settings_trusts(const acurast__settings *settings, const acurast__address *address);

typedef enum acurast__hop {
    ACURAST__HOP_PROXY,  /* all are trusted proxies, or there is no header */
    ACURAST__HOP_CLIENT, /* somebody else, who is told */
    ACURAST__HOP_NONSENSE
} acurast__hop;

/* Who really is behind a trusted proxy: the right-most address of X-Forwarded-For (NULL: none) that is no trusted proxy itself. */
acurast__hop acurast__settings_client_of(const acurast__settings *settings, const char *forwarded_for,
                                         acurast__address *address);

/* True for a Host header that names loopback by its address, or "localhost", with any port or none. */
bool acurast__host_loopback(const char *host);

/* "ADDRESS:PORT", with IPv6 in brackets. */
bool acurast__endpoint_parse(acurast__endpoint *endpoint, const char *text);

/* As it stands in a URL, with the port that is bound. */
void acurast__endpoint_format(const acurast__endpoint *endpoint, uint16_t port, char *text, size_t size);

#endif
