/* What every cmocka test needs, in the order that cmocka asks for. */
#ifndef TESTS_SUPPORT_UNIT_H
#define TESTS_SUPPORT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SANITIZER_THREADS 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define SANITIZER_THREADS 1 /* it starts one of its own beside our first */
#elif !defined(SANITIZER_THREADS)
#define SANITIZER_THREADS 0
#endif

#endif
