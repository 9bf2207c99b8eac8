/* How a declaration is marked as part of the library's ABI. */
#ifndef ACURAST_EXPORT_H
#define ACURAST_EXPORT_H

#if defined(__GNUC__) || defined(__clang__)
#define ACURAST_API __attribute__((visibility("default")))
#else
#define ACURAST_API
#endif

#ifdef __cplusplus
#define ACURAST_BEGIN extern "C" {
#define ACURAST_END }
#else
#define ACURAST_BEGIN
#define ACURAST_END
#endif

#endif
