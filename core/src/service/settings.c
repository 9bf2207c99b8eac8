/* Reads the options in turn; the first that is wrong is told, and nothing is kept. */
#include "service/settings.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "base/text.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

/* Bytes that a websocket may have beyond what its socket took, before senders get shares of it. */
#define WINDOW_MAX ((size_t)64 * 1024)

static size_t list_size(const acurast_options *options, acurast__option option)
{
    size_t count = 0;
    while (acurast__options_element(options, option, count))
        count++;
    return count;
}

/* A decimal port; nothing else. */
static bool port_parse(const char *text, unsigned least, uint16_t *port)
{
    unsigned long value = 0;
    if (!text[0] || strlen(text) > 5)
        return false;
    for (; *text; text++) {
        if (!acurast__is_digit(*text))
            return false;
        value = value * 10 + (unsigned long)(*text - '0');
    }
    *port = (uint16_t)value;
    return value >= least && value <= 65535;
}

/* Cuts at the colon before the port; brackets around the host are taken off. */
static bool host_cut(const char *text, char host[ACURAST__HOST_SIZE], const char **port)
{
    const char *colon = strrchr(text, ':');
    if (!colon)
        return false;
    size_t size = (size_t)(colon - text);
    if (size >= 2 && text[0] == '[' && text[size - 1] == ']') {
        text++;
        size -= 2;
    } else if (memchr(text, ':', size)) {
        return false;
    }
    if (!size || size >= ACURAST__HOST_SIZE)
        return false;
    memcpy(host, text, size);
    host[size] = 0;
    *port = colon + 1;
    return true;
}

bool acurast__endpoint_parse(acurast__endpoint *endpoint, const char *text)
{
    const char *port;
    acurast__address address;
    memset(endpoint, 0, sizeof *endpoint);
    if (!host_cut(text, endpoint->host, &port) || !port_parse(port, 0, &endpoint->port))
        return false;
    endpoint->ipv6 = strchr(endpoint->host, ':') != NULL;
    if (strcmp(endpoint->host, "localhost") == 0) {
        endpoint->loopback = true;
        return true;
    }
    if (!acurast__address_parse(&address, endpoint->host) || endpoint->ipv6 != (text[0] == '['))
        return false;
    endpoint->loopback = acurast__address_loopback(&address);
    return true;
}

bool acurast__host_loopback(const char *host)
{
    char text[ACURAST__HOST_SIZE + 8] = "";
    acurast__endpoint endpoint;
    size_t size = strlen(host);
    if (size >= sizeof text - sizeof ":0")
        return false;
    for (size_t i = 0; i < size; i++)
        text[i] = acurast__lower(host[i]);
    bool parsed = acurast__endpoint_parse(&endpoint, text);
    if (!parsed) {
        memcpy(text + size, ":0", sizeof ":0");
        parsed = acurast__endpoint_parse(&endpoint, text);
    }
    return parsed && endpoint.loopback;
}

void acurast__endpoint_format(const acurast__endpoint *endpoint, uint16_t port, char *text, size_t size)
{
    snprintf(text, size, endpoint->ipv6 ? "[%s]:%u" : "%s:%u", endpoint->host, port);
}

static acurast_status read_endpoints(acurast__settings *settings, acurast_options *options)
{
    settings->endpoint_count = list_size(options, ACURAST__OPTION_LISTEN);
    settings->endpoints = acurast__alloc_zero(settings->endpoint_count * sizeof *settings->endpoints);
    if (!settings->endpoints)
        return ACURAST_NO_MEMORY;
    if (!settings->endpoint_count)
        return acurast__options_fail(options, ACURAST_BAD_OPTION, "listen: at least one ADDRESS:PORT is needed");
    for (size_t i = 0; i < settings->endpoint_count; i++) {
        const char *text = acurast__options_element(options, ACURAST__OPTION_LISTEN, i);
        if (!acurast__endpoint_parse(&settings->endpoints[i], text))
            return acurast__options_fail(options, ACURAST_BAD_OPTION, "listen: not an ADDRESS:PORT: %.100s", text);
    }
    const char *admin = acurast__options_text(options, ACURAST__OPTION_ADMIN_LISTEN);
    settings->has_admin = admin[0];
    if (settings->has_admin && !acurast__endpoint_parse(&settings->admin, admin))
        return acurast__options_fail(options, ACURAST_BAD_OPTION, "admin-listen: not an ADDRESS:PORT: %.100s", admin);
    return ACURAST_OK;
}

/* "host:port" in lower case; the host of any kind, since clients may know the service by a name. */
static bool name_parse(char *name)
{
    uint16_t port;
    char *colon = strrchr(name, ':');
    if (!colon || colon == name || !port_parse(colon + 1, 1, &port))
        return false;
    for (char *c = name; *c; c++) {
        if (*c <= ' ' || *c == '/' || *c == '@')
            return false;
        *c = acurast__lower(*c);
    }
    return true;
}

static acurast_status read_names(acurast__settings *settings, acurast_options *options)
{
    size_t count = list_size(options, ACURAST__OPTION_NAME);
    settings->names = acurast__alloc_zero((count + 1) * sizeof *settings->names);
    if (!settings->names)
        return ACURAST_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        settings->names[i] = acurast__copy_text(acurast__options_element(options, ACURAST__OPTION_NAME, i));
        if (!settings->names[i])
            return ACURAST_NO_MEMORY;
        if (strlen(settings->names[i]) > 255 || !name_parse(settings->names[i]))
            return acurast__options_fail(options, ACURAST_BAD_OPTION, "name: not a host:port: %.100s",
                                         settings->names[i]);
    }
    settings->terms.names = (const char *const *)settings->names;
    return ACURAST_OK;
}

static acurast_status read_tls(acurast__settings *settings, acurast_options *options)
{
    settings->tls_cert = acurast__options_text(settings->options, ACURAST__OPTION_TLS_CERT);
    settings->tls_key = acurast__options_text(settings->options, ACURAST__OPTION_TLS_KEY);
    if (!settings->tls_cert[0] != !settings->tls_key[0])
        return acurast__options_fail(options, ACURAST_BAD_OPTION, "tls-cert and tls-key: one needs the other");
    return ACURAST_OK;
}

static acurast_status read_trusted(acurast__settings *settings, acurast_options *options)
{
    settings->trusted_count = list_size(options, ACURAST__OPTION_TRUST_PROXY);
    settings->trusted = acurast__alloc_zero(settings->trusted_count * sizeof *settings->trusted);
    if (!settings->trusted)
        return ACURAST_NO_MEMORY;
    for (size_t i = 0; i < settings->trusted_count; i++) {
        const char *text = acurast__options_element(options, ACURAST__OPTION_TRUST_PROXY, i);
        if (!acurast__network_parse(&settings->trusted[i], text))
            return acurast__options_fail(options, ACURAST_BAD_OPTION, "trust-proxy: not a CIDR: %.100s", text);
    }
    return ACURAST_OK;
}

static acurast_status read_terms(acurast__settings *settings, acurast_options *options)
{
    const char *difficulty = acurast__options_text(options, ACURAST__OPTION_DIFFICULTY);
    if (acurast__unhex(settings->terms.difficulty, 16, difficulty, strlen(difficulty)) != ACURAST_OK)
        return acurast__options_fail(options, ACURAST_BAD_OPTION, "difficulty: 32 hex digits are needed");
    settings->terms.extensions = acurast__options_flag(options, ACURAST__OPTION_SERVICE_EXTENSIONS);
    settings->terms.presence = acurast__options_flag(options, ACURAST__OPTION_PRESENCE);
    settings->terms.max_frame = (uint64_t)acurast__options_number(options, ACURAST__OPTION_MAX_FRAME);
    settings->terms.random = randombytes_buf;
    return ACURAST_OK;
}

static uint64_t number(const acurast_options *options, acurast__option option)
{
    return (uint64_t)acurast__options_number(options, option);
}

static acurast_status read_numbers(acurast__settings *settings, acurast_options *options)
{
    settings->rates.messages = acurast__options_number(options, ACURAST__OPTION_RATE_MESSAGES);
    settings->rates.bytes = acurast__options_number(options, ACURAST__OPTION_RATE_BYTES);
    settings->addresses.handshakes = number(options, ACURAST__OPTION_HANDSHAKE_RATE);
    settings->addresses.connections = number(options, ACURAST__OPTION_MAX_CONNECTIONS_PER_ADDRESS);
    settings->addresses.loopback_connections =
        acurast__options_given(options, ACURAST__OPTION_MAX_CONNECTIONS_PER_ADDRESS);
    settings->directory.mailbox_count = number(options, ACURAST__OPTION_MAILBOX_COUNT);
    settings->directory.mailbox_bytes = number(options, ACURAST__OPTION_MAILBOX_BYTES);
    settings->directory.mailbox_ms = number(options, ACURAST__OPTION_MAILBOX_SECONDS) * 1000;
    settings->directory.mailbox_total = number(options, ACURAST__OPTION_MAILBOX_TOTAL);
    settings->directory.send_buffer = number(options, ACURAST__OPTION_SEND_BUFFER);
    settings->send_buffer = (size_t)settings->directory.send_buffer;
    settings->directory.window = settings->send_buffer / 4 < WINDOW_MAX ? settings->send_buffer / 4 : WINDOW_MAX;
    settings->socket_send_buffer = (size_t)number(options, ACURAST__OPTION_SOCKET_SEND_BUFFER);
    settings->socket_receive_buffer = (size_t)number(options, ACURAST__OPTION_SOCKET_RECEIVE_BUFFER);
    settings->watches = (size_t)number(options, ACURAST__OPTION_WATCHES);
    settings->max_pending = number(options, ACURAST__OPTION_MAX_PENDING);
    settings->max_connections = number(options, ACURAST__OPTION_MAX_CONNECTIONS);
    settings->memory = number(options, ACURAST__OPTION_MEMORY);
    settings->max_frame = (size_t)number(options, ACURAST__OPTION_MAX_FRAME);
    settings->handshake_ms = (uint32_t)number(options, ACURAST__OPTION_HANDSHAKE_TIME);
    settings->ping_interval_ms = (uint32_t)number(options, ACURAST__OPTION_SERVICE_PING_INTERVAL);
    settings->ping_timeout_ms = (uint32_t)number(options, ACURAST__OPTION_SERVICE_PING_TIMEOUT);
    settings->drain_ms = (uint32_t)number(options, ACURAST__OPTION_DRAIN_TIME);
    return ACURAST_OK;
}

static acurast_status read_all(acurast__settings *settings, acurast_options *options)
{
    static acurast_status (*const readers[])(acurast__settings *, acurast_options *) = {
        read_terms, read_endpoints, read_names, read_tls, read_trusted, read_numbers,
    };
    acurast_status status = ACURAST_OK;
    for (size_t i = 0; status == ACURAST_OK && i < sizeof readers / sizeof *readers; i++)
        status = readers[i](settings, options);
    return status;
}

acurast_status acurast__settings_create(acurast_options *options, acurast__settings **settings)
{
    acurast__settings *made = acurast__alloc_zero(sizeof *made);
    if (!made)
        return ACURAST_NO_MEMORY;
    acurast_status status = options ? acurast_options_clone(options, &made->options)
                                    : acurast_options_create(ACURAST_SCOPE_SERVICE, &made->options);
    if (status == ACURAST_OK)
        status = read_all(made, options ? options : made->options);
    if (status == ACURAST_OK)
        *settings = made;
    else
        acurast__settings_release(made);
    return status;
}

void acurast__settings_release(acurast__settings *settings)
{
    if (!settings)
        return;
    for (char **name = settings->names; name && *name; name++)
        acurast__free(*name);
    acurast__free(settings->names);
    acurast__free(settings->endpoints);
    acurast__free(settings->trusted);
    acurast_options_release(settings->options);
    acurast__free(settings);
}

bool acurast__settings_trusts(const acurast__settings *settings, const acurast__address *address)
{
    for (size_t i = 0; i < settings->trusted_count; i++)
        if (acurast__network_contains(&settings->trusted[i], address))
            return true;
    return false;
}

/* An address as proxies write it: some add the port. */
static bool hop_parse(acurast__address *address, acurast__slice hop)
{
    char text[ACURAST__ADDRESS_TEXT_SIZE];
    const char *port;
    if (!hop.size || hop.size >= sizeof text)
        return false;
    memcpy(text, hop.text, hop.size);
    text[hop.size] = 0;
    if (acurast__address_parse(address, text))
        return true;
    char host[ACURAST__HOST_SIZE];
    return host_cut(text, host, &port) && acurast__address_parse(address, host);
}

acurast__hop acurast__settings_client_of(const acurast__settings *settings, const char *forwarded_for,
                                         acurast__address *address)
{
    if (!forwarded_for)
        return ACURAST__HOP_PROXY;
    size_t end = strlen(forwarded_for), begin;
    do {
        begin = end;
        while (begin && forwarded_for[begin - 1] != ',')
            begin--;
        if (!hop_parse(address, acurast__trim(forwarded_for + begin, end - begin)))
            return ACURAST__HOP_NONSENSE;
        if (!acurast__settings_trusts(settings, address))
            return ACURAST__HOP_CLIENT;
        end = begin ? begin - 1 : 0;
    } while (begin);
    return ACURAST__HOP_PROXY;
}
