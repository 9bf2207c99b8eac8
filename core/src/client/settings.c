/* From options to settings. */
#include "client/settings.h"

#include "base/memory.h"
#include "base/option.h"
#include "net/tls.h"

#include <string.h>

static uint32_t number32(const acurast_options *options, acurast__option option)
{
    return (uint32_t)acurast__options_number(options, option);
}

static void read_numbers(acurast__client_settings *settings, const acurast_options *options)
{
    *settings = (acurast__client_settings){
        .connection = {.connect_timeout_ms = number32(options, ACURAST__OPTION_CONNECT_TIMEOUT),
                       .handshake_timeout_ms = number32(options, ACURAST__OPTION_HANDSHAKE_TIMEOUT),
                       .ping_interval_ms = number32(options, ACURAST__OPTION_PING_INTERVAL),
                       .ping_timeout_ms = number32(options, ACURAST__OPTION_PING_TIMEOUT),
                       .max_work = (uint64_t)acurast__options_number(options, ACURAST__OPTION_MAX_WORK),
                       .max_payload = (size_t)acurast__options_number(options, ACURAST__OPTION_MAX_PAYLOAD),
                       .extensions = acurast__options_flag(options, ACURAST__OPTION_CLIENT_EXTENSIONS)},
        .backoff_min_ms = number32(options, ACURAST__OPTION_BACKOFF_MIN),
        .backoff_max_ms = number32(options, ACURAST__OPTION_BACKOFF_MAX),
        .refused_backoff_ms = number32(options, ACURAST__OPTION_REFUSED_BACKOFF),
        .linger_ms = number32(options, ACURAST__OPTION_LINGER),
        .send_timeout_ms = number32(options, ACURAST__OPTION_SEND_TIMEOUT),
        .outbox_count = (size_t)acurast__options_number(options, ACURAST__OPTION_OUTBOX_COUNT),
        .outbox_bytes = (size_t)acurast__options_number(options, ACURAST__OPTION_OUTBOX_BYTES),
        .serve_running = number32(options, ACURAST__OPTION_SERVE_RUNNING),
        .serve_waiting = number32(options, ACURAST__OPTION_SERVE_WAITING),
        .reconnect_when_replaced = acurast__options_flag(options, ACURAST__OPTION_RECONNECT_WHEN_REPLACED)};
}

static acurast_status read_targets(acurast__round *round, acurast_options *options)
{
    size_t count = 0;
    while (acurast__options_element(options, ACURAST__OPTION_URL, count))
        count++;
    if (count == 0)
        return acurast__options_fail(options, ACURAST_BAD_OPTION, "url: name at least one service");
    *round = (acurast__round){.sticky = acurast__options_number(options, ACURAST__OPTION_FAILOVER) == 1};
    round->candidates = acurast__alloc_zero(count * sizeof *round->candidates);
    if (!round->candidates)
        return ACURAST_NO_MEMORY;
    for (; round->count < count; round->count++) {
        const char *problem;
        const char *url = acurast__options_element(options, ACURAST__OPTION_URL, round->count);
        acurast_status status = acurast__target_parse(&round->candidates[round->count].target, url, &problem);
        if (status == ACURAST_BAD_OPTION)
            return acurast__options_fail(options, status, "url: '%.128s': %s", url, problem);
        if (status != ACURAST_OK)
            return status;
    }
    return ACURAST_OK;
}

static acurast_status find_proxies(acurast__round *round, acurast_options *options)
{
    const char *setting = acurast__options_text(options, ACURAST__OPTION_PROXY), *problem;
    for (size_t i = 0; i < round->count; i++) {
        acurast__target *target = &round->candidates[i].target;
        acurast_status status =
            acurast__proxy_find(&target->proxy, setting, target->host, target->port, target->secure, &problem);
        if (status == ACURAST_BAD_OPTION) /* without the setting, which may hold a password */
            return acurast__options_fail(options, status, "proxy%s: %s",
                                         strcmp(setting, "environment") == 0 ? " of the environment" : "", problem);
        if (status != ACURAST_OK)
            return status;
    }
    return ACURAST_OK;
}

static bool any_secure(const acurast__round *round)
{
    for (size_t i = 0; i < round->count; i++)
        if (round->candidates[i].target.secure)
            return true;
    return false;
}

static acurast_status read_trust(acurast__client_settings *settings, const acurast__round *round,
                                 acurast_options *options)
{
    const char *file = acurast__options_text(options, ACURAST__OPTION_CA_FILE);
    const char *pem = acurast__options_text(options, ACURAST__OPTION_CA_PEM);
    const char *detail = "";
    if (*file && *pem)
        return acurast__options_fail(options, ACURAST_BAD_OPTION, "ca-file and ca-pem: give one of them, not both");
    if (!*file && !*pem && !any_secure(round))
        return ACURAST_OK;
    acurast_status status = acurast__tls_client(file, pem, &settings->tls, &detail);
    if (status == ACURAST_TLS && (*file || *pem))
        return acurast__options_fail(options, ACURAST_BAD_OPTION, "%s: %s", *file ? "ca-file" : "ca-pem", detail);
    if (status == ACURAST_TLS)
        return acurast__options_fail(options, status, "certificate authorities of the system: %s", detail);
    return status;
}

acurast_status acurast__client_settings_read(acurast__client_settings *settings, acurast__round *round,
                                             acurast_options *options)
{
    *round = (acurast__round){0};
    read_numbers(settings, options);
    acurast_status status = read_targets(round, options);
    if (status == ACURAST_OK)
        status = find_proxies(round, options);
    if (status == ACURAST_OK)
        status = read_trust(settings, round, options);
    if (status != ACURAST_OK) {
        acurast__client_settings_clear(settings);
        acurast__round_clear(round);
    }
    return status;
}

void acurast__client_settings_clear(acurast__client_settings *settings)
{
    if (settings->tls)
        acurast__tls_release(settings->tls);
    settings->tls = NULL;
}
