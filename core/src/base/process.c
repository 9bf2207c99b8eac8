/*
 * Forks are counted by a pthread_atfork handler that the first question registers: an object asks as it is made, so the handler
 * is there before the fork that the object must notice. The mark of an I/O thread is the thread's own.
 */
#ifdef __linux__
#define _GNU_SOURCE /* pthread_setname_np */ // NOLINT(bugprone-reserved-identifier)
#endif
#include "base/process.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

static atomic_uint forks;
static pthread_once_t registered = PTHREAD_ONCE_INIT;
static _Thread_local bool is_io_thread;

static void count_fork(void)
{
    atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
}

static void register_handler(void)
{
    pthread_atfork(NULL, NULL, count_fork);
}

unsigned acurast__process_generation(void)
{
    pthread_once(&registered, register_handler);
    return atomic_load_explicit(&forks, memory_order_relaxed);
}

bool acurast__thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
    sigset_t blocked, before;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        sigdelset(&blocked, own[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int error = pthread_create(thread, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error == 0;
}

void acurast__thread_name(const char *name)
{
#if defined(__linux__)
    pthread_setname_np(pthread_self(), name);
#elif defined(__APPLE__)
    pthread_setname_np(name);
#else
    (void)name;
#endif
}

void acurast__io_thread_mark(unsigned index)
{
    char name[16];
    is_io_thread = true;
    snprintf(name, sizeof name, "acurast-io-%u", index % 1000); /* there are 256 at most */
    acurast__thread_name(name);
}

bool acurast__on_io_thread(void)
{
    return is_io_thread;
}
