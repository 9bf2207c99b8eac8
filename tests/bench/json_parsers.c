/*
 * Parsers of JSON beside each other: which of a list of texts that are no JSON each takes, what becomes of depth, and nanoseconds for a
 * message of 100 B, 1 KiB and 64 KiB. core/docs/requests.md, "The parser", has the figures. Not built by default:
 *
 *   gcc -O2 -D_GNU_SOURCE -Icore/src -Icore/include -Itests tests/bench/json_parsers.c build/lib/libacurast_rpc.a build/lib/libacurast_base.a -lyajl
 *       -lwebsockets -lsodium -lmsgpackc -lpthread
 *
 * and -DWITH_JANSSON -ljansson, -DWITH_JSON_C -ljson-c (not both: their names clash), -DWITH_CJSON -lcjson, -DWITH_JSMN,
 * -DWITH_YYJSON -lyyjson. "ours" is rpc/json.c: yajl with what is around it, up to the message's slices.
 */
#include "support/malformed_json.h"

#include "rpc/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libwebsockets.h>
#include <yajl/yajl_parse.h>
#ifdef WITH_JANSSON
#include <jansson.h>
#endif
#ifdef WITH_JSON_C
#include <json-c/json.h>
#endif
#ifdef WITH_CJSON
#include <cjson/cJSON.h>
#endif
#ifdef WITH_JSMN
#define JSMN_PARENT_LINKS
#define JSMN_STRICT
#include <jsmn.h>
#endif
#ifdef WITH_YYJSON
#include <yyjson.h>
#endif

static bool with_ours(const char *text, size_t size)
{
    acurast__rpc_parsed parsed;
    bool good = acurast__rpc_parse(&parsed, (const uint8_t *)text, size, true) == ACURAST__RPC_MESSAGES;
    acurast__rpc_clear(&parsed);
    return good;
}

static bool with_yajl(const char *text, size_t size)
{
    yajl_handle parser = yajl_alloc(NULL, NULL, NULL);
    bool good = yajl_parse(parser, (const unsigned char *)text, size) == yajl_status_ok &&
                yajl_complete_parse(parser) == yajl_status_ok;
    yajl_free(parser);
    return good;
}

#ifdef WITH_JANSSON
static bool with_jansson(const char *text, size_t size)
{
    json_t *value = json_loadb(text, size, JSON_ALLOW_NUL, NULL);
    json_decref(value);
    return value != NULL;
}
#endif

#ifdef WITH_JSON_C
static bool with_json_c(const char *text, size_t size)
{
    json_tokener *parser = json_tokener_new_ex(64);
    json_tokener_set_flags(parser, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    json_object *value = json_tokener_parse_ex(parser, text, (int)size);
    bool good = json_tokener_get_error(parser) == json_tokener_success;
    json_object_put(value);
    json_tokener_free(parser);
    return good;
}
#endif

#ifdef WITH_CJSON
static bool with_cjson(const char *text, size_t size)
{
    const char *end = NULL;
    cJSON *value = cJSON_ParseWithLengthOpts(text, size, &end, 0);
    bool good = value != NULL;
    for (; good && end < text + size; end++)
        good = strchr(" \t\r\n", *end) != NULL;
    cJSON_Delete(value);
    return good;
}
#endif

#ifdef WITH_JSMN
static bool with_jsmn(const char *text, size_t size)
{
    static jsmntok_t tokens[100000];
    jsmn_parser parser;
    jsmn_init(&parser);
    return jsmn_parse(&parser, text, size, tokens, 100000) > 0;
}
#endif

static signed char see(struct lejp_ctx *context, char reason)
{
    (void)context;
    (void)reason;
    return 0;
}

static bool with_lejp(const char *text, size_t size)
{
    struct lejp_ctx context;
    lejp_construct(&context, see, NULL, NULL, 0);
    int left = lejp_parse(&context, (const unsigned char *)text, (int)size);
    lejp_destruct(&context);
    return left >= 0;
}

#ifdef WITH_YYJSON
static bool with_yyjson(const char *text, size_t size)
{
    yyjson_doc *value = yyjson_read(text, size, YYJSON_READ_NUMBER_AS_RAW);
    yyjson_doc_free(value);
    return value != NULL;
}
#endif

static const struct {
    const char *name;
    bool (*read)(const char *text, size_t size);
} parsers[] = {
    {"ours", with_ours},       {"yajl", with_yajl}, {"LEJP", with_lejp},
#ifdef WITH_JANSSON
    {"jansson", with_jansson},
#endif
#ifdef WITH_JSON_C
    {"json-c", with_json_c},
#endif
#ifdef WITH_CJSON
    {"cJSON", with_cjson},
#endif
#ifdef WITH_JSMN
    {"jsmn", with_jsmn},
#endif
#ifdef WITH_YYJSON
    {"yyjson", with_yyjson},
#endif
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static char *message(size_t size)
{
    char *text = calloc(1, size + 200);
    strcpy(text, "{\"jsonrpc\":\"2.0\",\"id\":\"a1\",\"method\":\"price\",\"params\":[");
    while (strlen(text) + 40 < size)
        strcat(text, "{\"of\":\"btc\",\"in\":[1,2.5,true]},");
    strcat(text, "\"last one of all\"]}");
    return text;
}

static double cost(bool (*read)(const char *text, size_t size), size_t size)
{
    char *text = message(size);
    size_t length = strlen(text), rounds = 30000000 / (length + 400);
    double best = 1e18;
    for (int i = 0; i < 5; i++) {
        double begin = now();
        for (size_t j = 0; j < rounds / 5 + 1; j++)
            if (!read(text, length))
                abort();
        double each = (now() - begin) / (double)(rounds / 5 + 1);
        best = each < best ? each : best;
    }
    free(text);
    return best;
}

int main(void)
{
    lws_set_log_level(0, NULL);
    printf("%-8s %10s %8s %8s %8s  takes, of %zu that are no JSON\n", "", "64 deep", "100 B", "1 KiB", "64 KiB",
           sizeof malformed_json / sizeof *malformed_json);
    for (size_t i = 0; i < sizeof parsers / sizeof *parsers; i++) {
        char deep[200] = "";
        memset(deep, '[', 64);
        memset(deep + 64, ']', 64);
        printf("%-8s %10s", parsers[i].name, parsers[i].read(deep, 128) ? "taken" : "refused");
        printf(" %8.0f %8.0f %8.0f ", cost(parsers[i].read, 100), cost(parsers[i].read, 1024),
               cost(parsers[i].read, 65536));
        size_t taken = 0;
        for (size_t j = 0; j < sizeof malformed_json / sizeof *malformed_json; j++)
            taken += parsers[i].read(malformed_json[j].text, malformed_json[j].size);
        printf(" %zu:", taken);
        for (size_t j = 0; j < sizeof malformed_json / sizeof *malformed_json; j++)
            if (parsers[i].read(malformed_json[j].text, malformed_json[j].size)) {
                putchar(' ');
                for (size_t k = 0; k < malformed_json[j].size; k++)
                    printf((unsigned char)malformed_json[j].text[k] - 32u < 95 ? "%c" : "<%02x>",
                           (unsigned char)malformed_json[j].text[k]);
            }
        putchar('\n');
    }
    return 0;
}
