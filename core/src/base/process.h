/*
 * Which process an object was made in. After fork() the child shares nothing but
 * the memory: its I/O threads are gone, so every call on an object of the parent
 * answers ACURAST_FORKED.
 */
#ifndef ACURAST_BASE_PROCESS_H
#define ACURAST_BASE_PROCESS_H

#include <stdbool.h>

/* Counts the forks that led here. Costs a load: a pthread_atfork handler counts. */
unsigned acurast__process_generation(void);

static inline bool acurast__forked(unsigned generation)
{
    return generation != acurast__process_generation();
}

#endif
