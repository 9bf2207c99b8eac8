/*
 * Any text as X-Forwarded-For, which comes from strangers through a trusted proxy; and, where the first byte is a bracket or a
 * digit, as an endpoint as well. The client that is found is no trusted proxy.
 */
#include "fuzz.h"

#include "service/settings.h"

static acurast__settings *make(void)
{
    acurast_options *options = NULL;
    acurast__settings *settings = NULL;
    REQUIRE(acurast_options_create(ACURAST_SCOPE_SERVICE, &options) == ACURAST_OK);
    REQUIRE(acurast_options_set(options, "trust-proxy", "10.0.0.0/8, ::1") == ACURAST_OK);
    REQUIRE(acurast__settings_create(options, &settings) == ACURAST_OK);
    acurast_options_release(options);
    return settings;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static acurast__settings *settings;
    acurast__address address;
    acurast__endpoint endpoint;
    char text[1024];
    if (!settings)
        settings = make();
    if (size >= sizeof text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (acurast__settings_client_of(settings, text, &address))
        REQUIRE(!acurast__settings_trusts(settings, &address));
    if (acurast__endpoint_parse(&endpoint, text)) {
        char written[300];
        acurast__endpoint again;
        acurast__endpoint_format(&endpoint, endpoint.port, written, sizeof written);
        REQUIRE(acurast__endpoint_parse(&again, written) && again.port == endpoint.port);
        REQUIRE(strcmp(again.host, endpoint.host) == 0);
    }
    return 0;
}
