/*
 * A queue of bytes with a limit. A line that does not fit is lost; the loss is told where the line would have been, as soon as there
 * is room. The descriptors are shared with other processes, so they stay blocking, and a thread of its own blocks.
 */
#include "say.h"

#include "foreign.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 2048
#define PIECE_SIZE 4096
#define END_MS 1000

typedef struct stream {
    int descriptor;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t filled;
    bool started; /* the thread */
    bool writing;
    uint64_t lost; /* lines, since it was told last */
    size_t first;  /* of the bytes that wait */
    size_t count;
    size_t room;
    char *bytes;
} stream;

static char result_bytes[16 * 1024], log_bytes[256 * 1024];

static stream results = {.descriptor = STDOUT_FILENO,
                         .lock = PTHREAD_MUTEX_INITIALIZER,
                         .filled = PTHREAD_COND_INITIALIZER,
                         .room = sizeof result_bytes,
                         .bytes = result_bytes};

static stream lines = {.descriptor = STDERR_FILENO,
                       .lock = PTHREAD_MUTEX_INITIALIZER,
                       .filled = PTHREAD_COND_INITIALIZER,
                       .room = sizeof log_bytes,
                       .bytes = log_bytes};

static const char *level_name(acurast_log_level level)
{
    static const char *const names[] = {"off", "error", "warn", "info", "debug"};
    return names[level];
}

static void format(char line[LINE_SIZE], acurast_log_level level, const char *text)
{
    struct timespec now;
    struct tm parts;
    char stamp[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(line, LINE_SIZE, "%s.%03ldZ level=%s %s", stamp, now.tv_nsec / 1000000, level_name(level), text);
}

/* ---- the queue, with its lock held ---- */

static bool put(stream *to, const char *line)
{
    size_t size = strlen(line);
    if (size >= to->room - to->count)
        return false;
    for (size_t i = 0; i <= size; i++)
        to->bytes[(to->first + to->count + i) % to->room] = i < size ? line[i] : '\n';
    to->count += size + 1;
    return true;
}

/* False while there is no room for telling what was lost. */
static bool put_loss(stream *to)
{
    char text[64], line[LINE_SIZE];
    if (!to->lost)
        return true;
    snprintf(text, sizeof text, "what=log_lost lines=%" PRIu64, to->lost);
    format(line, ACURAST_LOG_WARN, text);
    if (!put(to, line))
        return false;
    to->lost = 0;
    return true;
}

static size_t take(stream *from, char piece[PIECE_SIZE])
{
    size_t straight = from->room - from->first;
    size_t size = from->count < straight ? from->count : straight;
    size = size < PIECE_SIZE ? size : PIECE_SIZE;
    memcpy(piece, from->bytes + from->first, size);
    from->first = (from->first + size) % from->room;
    from->count -= size;
    return size;
}

/* ---- the thread ---- */

/* A descriptor that somebody else made non-blocking is waited for. What nobody can read any more is thrown away. */
static void write_all(int descriptor, const char *bytes, size_t size)
{
    struct pollfd writable = {.fd = descriptor, .events = POLLOUT};
    while (size) {
        ssize_t written = write(descriptor, bytes, size);
        if (written >= 0) {
            bytes += written;
            size -= (size_t)written;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            poll(&writable, 1, -1);
        } else if (errno != EINTR) {
            return;
        }
    }
}

static void *run(void *argument)
{
    stream *from = argument;
    char piece[PIECE_SIZE];
    pthread_mutex_lock(&from->lock);
    for (;;) {
        if (!from->count)
            put_loss(from);
        while (!from->count)
            pthread_cond_wait(&from->filled, &from->lock);
        size_t size = take(from, piece);
        from->writing = true;
        pthread_mutex_unlock(&from->lock);
        write_all(from->descriptor, piece, size);
        pthread_mutex_lock(&from->lock);
        from->writing = false;
    }
    return NULL;
}

/* Signals are for the other threads. */
static bool start(stream *of)
{
    pthread_t thread;
    sigset_t all, before;
    if (of->started)
        return true;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    of->started = pthread_create(&thread, NULL, run, of) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (of->started)
        pthread_detach(thread);
    return of->started;
}

/* ---- what others call ---- */

static void say_to(stream *to, const char *text)
{
    char line[LINE_SIZE];
    foreign_copy(line, sizeof line, text);
    pthread_mutex_lock(&to->lock);
    if (!start(to) || !put_loss(to) || !put(to, line))
        to->lost++;
    pthread_cond_signal(&to->filled);
    pthread_mutex_unlock(&to->lock);
}

void say(acurast_log_level level, const char *text)
{
    char line[LINE_SIZE];
    format(line, level, text);
    say_to(&lines, line);
}

void say_problem(const char *text)
{
    say_to(&lines, text);
}

void say_result(const char *text)
{
    say_to(&results, text);
}

static bool is_done(stream *with)
{
    pthread_mutex_lock(&with->lock);
    bool done = !with->started || (!with->count && !with->writing && !with->lost);
    pthread_mutex_unlock(&with->lock);
    return done;
}

void say_end(void)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const time_t begin = now.tv_sec;
    const long part = now.tv_nsec;
    while ((!is_done(&results) || !is_done(&lines)) &&
           (now.tv_sec - begin) * 1000 + (now.tv_nsec - part) / 1000000 < END_MS) {
        nanosleep(&pause, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
    }
}
