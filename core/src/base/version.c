/* The version that this library was built as. */
#include <acurast/version.h>

const char *acurast_version(void)
{
    return ACURAST_VERSION;
}

int acurast_version_number(void)
{
    return ACURAST_VERSION_NUMBER;
}
