/*
 * A condition to wait on with a deadline on the monotonic clock, which clock jumps do not move. Used with a mutex of its owner's, like
 * the one of pthreads that it is.
 */
#ifndef ACURAST_BASE_CONDITION_H
#define ACURAST_BASE_CONDITION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define ACURAST__NO_DEADLINE UINT64_MAX

void acurast__condition_init(pthread_cond_t *condition);

/* `timeout_ms` from now, in milliseconds of acurast__clock_ms(); < 0: ACURAST__NO_DEADLINE. */
uint64_t acurast__deadline_in(int timeout_ms);

/* With the lock held: waits for a signal, perhaps in vain; false once the deadline has passed. */
bool acurast__condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t deadline_ms);

#endif
