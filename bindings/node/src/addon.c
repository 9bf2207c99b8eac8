/*
 * The module: the table of the functions that JavaScript sees. They are for lib/ alone, which checks arguments for
 * people; here they are checked for safety.
 */
#include "addon.h"

static napi_value version(napi_env env, napi_callback_info info)
{
    (void)info;
    return from_text(env, acurast_version());
}

static napi_value live_objects(napi_env env, napi_callback_info info)
{
    (void)info;
    return from_number(env, (double)acurast_live_objects());
}

static const entry OWN_ENTRIES[] = {
    {"setup", environment_setup},
    {"configure", environment_configure},
    {"end", environment_end},
    {"ref", source_ref},
    {"unref", source_unref},
    {"free", source_free},
    {"version", version},
    {"liveObjects", live_objects},
    {NULL, NULL},
};

static bool define(napi_env env, napi_value exports, const entry *entries)
{
    for (const entry *each = entries; each->name; each++) {
        napi_value function = NULL;
        if (napi_create_function(env, each->name, NAPI_AUTO_LENGTH, each->call, NULL, &function) != napi_ok ||
            napi_set_named_property(env, exports, each->name, function) != napi_ok)
            return false;
    }
    return true;
}

NAPI_MODULE_INIT(/* napi_env env, napi_value exports */)
{
    static const entry *const tables[] = {OWN_ENTRIES,     CLIENT_ENTRIES,   REQUEST_ENTRIES,
                                          SERVICE_ENTRIES, IDENTITY_ENTRIES, KEY_ENTRIES};
    if (!environment_create(env))
        return NULL;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (!define(env, exports, tables[i]))
            return NULL;
    return exports;
}
