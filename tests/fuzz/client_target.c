/* Any text as a service's URL: what is taken fits a handshake, and its own URL reads the same again. */
#include "fuzz.h"

#include "client/target.h"
#include "protocol/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    acurast__target first, second;
    const char *problem = NULL;
    fuzz_input input = {data, size};
    size_t length = size + 1;
    uint8_t *text = fuzz_take(&input, &size);
    char *url = realloc(text, length);
    REQUIRE(url);
    url[length - 1] = '\0';
    if (acurast__target_parse(&first, url, &problem) == ACURAST_OK) {
        REQUIRE(first.port != 0 && first.path[0] == '/' && first.host[0] != '\0');
        REQUIRE(strlen(first.host) <= ACURAST__HOST_MAX_SIZE && strlen(first.name) <= ACURAST__NAME_MAX_SIZE + 2);
        REQUIRE(acurast__target_parse(&second, first.url, &problem) == ACURAST_OK);
        REQUIRE(strcmp(first.name, second.name) == 0 && strcmp(first.path, second.path) == 0);
        acurast__target_clear(&second);
    } else {
        REQUIRE(problem && problem[0] != '\0');
    }
    acurast__target_clear(&first);
    free(url);
    return 0;
}
