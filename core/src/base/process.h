/*
 * Which process an object was made in. After fork() the child shares nothing but
 * the memory: its I/O threads are gone, so every call on an object of the parent
 * answers ACURAST_FORKED. And the threads of our own: how they start, and which are I/O threads, where waiting is refused.
 */
#ifndef ACURAST_BASE_PROCESS_H
#define ACURAST_BASE_PROCESS_H

#include <pthread.h>
#include <stdbool.h>

/* Counts the forks that led here. Costs a load: a pthread_atfork handler counts. */
unsigned acurast__process_generation(void);

static inline bool acurast__forked(unsigned generation)
{
    return generation != acurast__process_generation();
}

/*
 * Starts a thread on which the program's signals never arrive, but for those that a thread brings upon itself (SIGSEGV and the like).
 * False where there is none to be had.
 */
bool acurast__thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument);

/* The calling thread's name, of 15 bytes at most, as the system shows it; without effect where it has no such names. */
void acurast__thread_name(const char *name);

/* Says that the calling thread is I/O thread `index`, until it ends; the system shows it as acurast-io-INDEX. */
void acurast__io_thread_mark(unsigned index);

/* True on a thread that was marked. */
bool acurast__on_io_thread(void);

#endif
