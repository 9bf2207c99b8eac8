/* The version of this header, and of the library that is loaded. */
#ifndef ACURAST_VERSION_H
#define ACURAST_VERSION_H

#include <acurast/export.h>

ACURAST_BEGIN

#define ACURAST_VERSION_MAJOR 0
#define ACURAST_VERSION_MINOR 1
#define ACURAST_VERSION_PATCH 0
#define ACURAST_VERSION "0.1.0"

/* One number that grows with the version: major * 10000 + minor * 100 + patch. */
#define ACURAST_VERSION_NUMBER (ACURAST_VERSION_MAJOR * 10000 + ACURAST_VERSION_MINOR * 100 + ACURAST_VERSION_PATCH)

/* The library's version as text, such as "0.1.0". Static; never NULL. */
ACURAST_API const char *acurast_version(void);

/* The library's version as ACURAST_VERSION_NUMBER was when it was built. */
ACURAST_API int acurast_version_number(void);

ACURAST_END

#endif
