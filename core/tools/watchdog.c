/*
 * A stack is taken by the thread itself: a signal makes it note where it is, and the main thread prints that. Nothing is printed or
 * allocated on the thread, which may hold any lock.
 *
 * A process that was stopped as a whole (SIGSTOP, a debugger, a sleeping machine) finds all its threads late when it goes on. So a thread
 * counts as hanging only once it was late at several looks in a row.
 *
 * The main thread may get stuck as well, over a lock that the other one holds, or over a standard error that nobody reads. So an alarm
 * is set as soon as a thread is late, which ends the program where the main thread cannot.
 */
#ifdef __linux__
#define _GNU_SOURCE /* dladdr, syscall */ // NOLINT(bugprone-reserved-identifier)
#endif
#include "watchdog.h"

#include "command.h"
#include "say.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STALL_MS 5000
#define LOOKS_IN_A_ROW 3

/* How much later than the main thread the alarm ends the program. */
#define ALARM_MORE_SECONDS 5

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

#if defined(__linux__) && defined(__GLIBC__)
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <stdlib.h>
#include <sys/syscall.h>

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

static bool stack_open(void)
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

static void stack_say(unsigned index)
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
static bool stack_open(void)
{
    return true;
}

static void stack_say(unsigned index)
{
    (void)index;
    say(ACURAST_LOG_ERROR, "what=stalled_stack detail=\"not known on this system\"");
}
#endif

static void on_alarm(int number)
{
    (void)number;
    _exit(COMMAND_FAILED);
}

bool watchdog_open(struct watchdog *watchdog, uint64_t limit_ms)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm;
    *watchdog = (struct watchdog){.limit_ms = limit_ms};
    return sigaction(SIGALRM, &action, NULL) == 0 && stack_open();
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void tell(struct watchdog *watchdog, uint64_t stalled_ms)
{
    char text[128];
    snprintf(text, sizeof text, "what=stalled thread=%u seconds=%" PRIu64, watchdog->thread, stalled_ms / 1000);
    say(ACURAST_LOG_ERROR, text);
    stack_say(watchdog->thread);
    watchdog->told = true;
}

static void end_program(struct watchdog *watchdog, uint64_t stalled_ms)
{
    if (!watchdog->told)
        tell(watchdog, stalled_ms);
    say(ACURAST_LOG_ERROR, "what=ended_by_watchdog");
    _exit(COMMAND_FAILED);
}

static void all_turn(struct watchdog *watchdog)
{
    alarm(0);
    if (watchdog->told)
        say(ACURAST_LOG_WARN, "what=turning_again");
    watchdog->told = false;
    watchdog->looks = 0;
}

static void one_is_late(struct watchdog *watchdog, unsigned thread, uint64_t stalled_ms)
{
    bool first = !watchdog->looks || thread != watchdog->thread;
    if (first && watchdog->limit_ms)
        alarm((unsigned)(watchdog->limit_ms / 1000) + ALARM_MORE_SECONDS);
    watchdog->thread = thread;
    watchdog->looks = first ? 1 : watchdog->looks + 1;
    if (watchdog->looks < LOOKS_IN_A_ROW)
        return;
    if (watchdog->limit_ms && stalled_ms >= watchdog->limit_ms)
        end_program(watchdog, stalled_ms);
    if (stalled_ms >= STALL_MS && !watchdog->told)
        tell(watchdog, stalled_ms);
}

void watchdog_look(struct watchdog *watchdog, const acurast_service *service)
{
    unsigned thread;
    uint64_t now = now_ms();
    if (now - watchdog->looked_ms < WATCHDOG_TICK_MS)
        return;
    watchdog->looked_ms = now;
    uint64_t stalled_ms = acurast_service_stalled(service, &thread);
    if (stalled_ms)
        one_is_late(watchdog, thread, stalled_ms);
    else
        all_turn(watchdog);
}
