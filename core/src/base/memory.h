/*
 * The one door to the heap, so that a test can make any allocation fail, and the
 * count of live objects. Nothing else in the core calls malloc.
 */
#ifndef ACURAST_BASE_MEMORY_H
#define ACURAST_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* As malloc, calloc, realloc and free; sizes of 0 are allowed and give a pointer that can be freed. */
void *acurast__alloc(size_t size);
void *acurast__alloc_zero(size_t size);
void *acurast__realloc(void *block, size_t size);
void acurast__free(void *block);

/* A copy of `size` bytes, or of a text with its NUL; NULL without memory. */
void *acurast__copy(const void *bytes, size_t size);
char *acurast__copy_text(const char *text);

/* For tests: the n-th allocation from now on fails (1: the next), once; 0 switches it off. Process-wide. */
void acurast__memory_fail_at(long n);

/* Objects that the caller must give back: counted for acurast_live_objects(). */
void acurast__object_born(void);
void acurast__object_died(void);

#endif
