/*
 * The thread itself takes its stack: a signal makes it note where it is, and the main thread prints that. Nothing is printed or allocated
 * on the thread, which may hold any lock.
 */
#ifdef __linux__
#define _GNU_SOURCE /* dladdr, pipe2, syscall */ // NOLINT(bugprone-reserved-identifier)
#endif
#include "stack.h"

#include "say.h"

#if defined(__linux__) && defined(__GLIBC__)
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FRAMES_MAX 48

/* Signals never reach the library's threads, but for those that a thread may bring upon itself; of these, this one is for tracing. */
#define STACK_SIGNAL SIGTRAP

static struct {
    void *frames[FRAMES_MAX];
    int count;
    int noted[2]; /* a pipe: the frames are there */
} stack;

static void on_stack_signal(int number)
{
    int error = errno;
    (void)number;
    stack.count = backtrace(stack.frames, FRAMES_MAX);
    (void)!write(stack.noted[1], "", 1);
    errno = error;
}

bool stack_open(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_stack_signal;
    action.sa_flags = SA_RESTART;
    backtrace(stack.frames, 1); /* the first call loads a library, which a handler must not */
    return pipe2(stack.noted, O_CLOEXEC | O_NONBLOCK) == 0 && sigaction(STACK_SIGNAL, &action, NULL) == 0;
}

/* The system's number of the thread of that name; 0: there is none. */
static pid_t thread_named(const char *name)
{
    char path[64], found[32];
    pid_t thread = 0;
    DIR *threads = opendir("/proc/self/task");
    if (!threads)
        return 0;
    for (struct dirent *entry; !thread && (entry = readdir(threads));) {
        snprintf(path, sizeof path, "/proc/self/task/%.16s/comm", entry->d_name);
        FILE *file = fopen(path, "re");
        if (!file)
            continue;
        if (fgets(found, sizeof found, file) && strncmp(found, name, strlen(name)) == 0 && found[strlen(name)] == '\n')
            thread = (pid_t)strtol(entry->d_name, NULL, 10);
        (void)fclose(file);
    }
    closedir(threads);
    return thread;
}

/* Has the thread note its stack; false where it does not within a second. */
static bool stack_take(unsigned index)
{
    char name[32], byte;
    struct pollfd noted = {.fd = stack.noted[0], .events = POLLIN};
    snprintf(name, sizeof name, "acurast-io-%u", index);
    pid_t thread = thread_named(name);
    while (read(stack.noted[0], &byte, 1) > 0)
        continue; /* one that came too late */
    return thread && syscall(SYS_tgkill, getpid(), thread, STACK_SIGNAL) == 0 && poll(&noted, 1, 1000) > 0 &&
           read(stack.noted[0], &byte, 1) == 1;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void stack_say(unsigned index)
{
    char text[256];
    if (!stack_take(index)) {
        say(ACURAST_LOG_ERROR, "what=stalled_stack detail=\"the thread does not say where it is\"");
        return;
    }
    for (int i = 1; i < stack.count; i++) { /* the first frame is the handler's */
        Dl_info at = {0};
        dladdr(stack.frames[i], &at);
        snprintf(text, sizeof text, "what=stalled_stack thread=%u frame=%d at=%s+0x%" PRIxPTR " in=%s", index, i - 1,
                 at.dli_fname ? base_name(at.dli_fname) : "?", (uintptr_t)stack.frames[i] - (uintptr_t)at.dli_fbase,
                 at.dli_sname ? at.dli_sname : "?");
        say(ACURAST_LOG_ERROR, text);
    }
}
#else
bool stack_open(void)
{
    return true;
}

void stack_say(unsigned index)
{
    (void)index;
    say(ACURAST_LOG_ERROR, "what=stalled_stack detail=\"not known on this system\"");
}
#endif
