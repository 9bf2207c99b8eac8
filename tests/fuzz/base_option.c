/* Any text as any option: what is taken is given back as text that means the same. The first byte picks the option. */
#include "fuzz.h"

#include <acurast/options.h>

static void set_twice(const acurast_option_info *info, const char *text)
{
    acurast_options *options = NULL, *copy = NULL;
    char shown[4096], again[4096];
    size_t size = sizeof shown, size_again = sizeof again;
    REQUIRE(acurast_options_create(info->scope, &options) == ACURAST_OK);
    if (acurast_options_set(options, info->name, text) != ACURAST_OK) {
        REQUIRE(acurast_options_error(options)[0] != '\0');
    } else {
        REQUIRE(acurast_options_clone(options, &copy) == ACURAST_OK);
        REQUIRE(acurast_options_get(options, info->name, shown, &size) == ACURAST_OK);
        REQUIRE(acurast_options_set(copy, info->name, shown) == ACURAST_OK);
        REQUIRE(acurast_options_get(copy, info->name, again, &size_again) == ACURAST_OK);
        REQUIRE(strcmp(shown, again) == 0);
    }
    acurast_options_release(options);
    acurast_options_release(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    acurast_option_info info;
    char text[1024];
    if (size == 0 || size > sizeof text || acurast_option_at(data[0] % 64, &info) != ACURAST_OK)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    set_twice(&info, text);
    return 0;
}
