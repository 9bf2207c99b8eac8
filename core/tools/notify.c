/*
 * A datagram goes to the address anew each time, so a manager that made its socket again is found. Messages that wait keep their order.
 * When there is no room for another one the newest takes the place of the one before: the last state is the one that counts.
 */
#include "notify.h"

#include "foreign.h"
#include "say.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define WAITING_MAX 8
#define TEXT_SIZE 512
#define STATUS_SIZE 384
#define US_PER_MS 1000u

static struct {
    int descriptor;
    struct sockaddr_un address;
    socklen_t address_size;
    uint64_t life_us; /* between two signs of life; 0: none are asked for */

    pthread_mutex_t lock; /* of what follows */
    uint64_t life_due_us;
    bool ready;
    bool stopping;
    bool failed; /* to send, and it was logged */
    size_t count;
    char waiting[WAITING_MAX][TEXT_SIZE];
} manager = {.descriptor = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- the environment ---- */

static void complain(const char *what, const char *detail)
{
    char text[TEXT_SIZE], clean[STATUS_SIZE];
    foreign_copy(clean, sizeof clean, detail);
    snprintf(text, sizeof text, "what=%s detail=\"%s\"", what, clean);
    say(ACURAST_LOG_WARN, text);
}

/* A path, or with @ in front a name of Linux that has no file. */
static bool address_set(const char *text)
{
    size_t size = strlen(text);
    struct sockaddr_un *address = &manager.address;
    if ((text[0] != '/' && text[0] != '@') || size < 2 || size >= sizeof address->sun_path)
        return false;
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, text, size);
    if (text[0] == '@')
        address->sun_path[0] = 0;
    manager.address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (text[0] == '/'));
    return true;
}

/* A whole number above 0; false for anything else. */
static bool number_read(const char *text, uint64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && !errno && *number;
}

/* The manager asks the process with the id in WATCHDOG_PID, which may be the one that started this one. */
static void watchdog_read(void)
{
    const char *time = getenv("WATCHDOG_USEC"), *process = getenv("WATCHDOG_PID");
    uint64_t us = 0, pid = 0;
    if (!time)
        return;
    bool bad_time = !number_read(time, &us), bad_process = process && !number_read(process, &pid);
    if (bad_time || bad_process) {
        complain("bad_watchdog_variable", bad_time ? time : process);
        return;
    }
    if (!process || pid == (uint64_t)getpid())
        manager.life_us = us / 2 ? us / 2 : 1;
}

void notify_open(void)
{
    const char *name = getenv("NOTIFY_SOCKET");
    if (!name)
        return;
    if (!address_set(name)) {
        complain("bad_notify_socket", name);
        return;
    }
    manager.descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (manager.descriptor < 0)
        complain("notify_failed", strerror(errno));
    else
        watchdog_read();
}

/* ---- messages, with the lock held ---- */

/* False where the manager has not read enough of what came before. What cannot be sent at all is dropped: nobody would ever read it. */
static bool send_one(const char *text)
{
    ssize_t sent = sendto(manager.descriptor, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL,
                          (const struct sockaddr *)&manager.address, manager.address_size);
    if (sent >= 0) {
        manager.failed = false;
        return true;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == EINTR)
        return false;
    if (!manager.failed)
        complain("notify_failed", strerror(errno));
    manager.failed = true;
    return true;
}

/* True once nothing waits. */
static bool send_waiting(void)
{
    size_t sent = 0;
    while (sent < manager.count && send_one(manager.waiting[sent]))
        sent++;
    manager.count -= sent;
    memmove(manager.waiting, manager.waiting + sent, manager.count * sizeof *manager.waiting);
    return !manager.count;
}

static void put(const char *variables, const char *status)
{
    char clean[STATUS_SIZE];
    foreign_copy(clean, sizeof clean, status);
    size_t at = manager.count < WAITING_MAX ? manager.count++ : WAITING_MAX - 1;
    snprintf(manager.waiting[at], TEXT_SIZE, "%sSTATUS=%s", variables, clean);
    send_waiting();
}

static void tell(notify_state state, const char *status, uint64_t within_ms)
{
    char variables[TEXT_SIZE - STATUS_SIZE - sizeof "STATUS="] = "";
    bool of_reload = state == NOTIFY_RELOADING || state == NOTIFY_RELOADED;
    if (manager.stopping || (of_reload && !manager.ready))
        return;
    switch (state) {
    case NOTIFY_READY:
    case NOTIFY_RELOADED:
        snprintf(variables, sizeof variables, "READY=1\n");
        manager.ready = true;
        break;
    case NOTIFY_RELOADING:
        snprintf(variables, sizeof variables, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n", now_us());
        break;
    case NOTIFY_STOPPING:
        snprintf(variables, sizeof variables, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRIu64 "\n", within_ms * US_PER_MS);
        manager.stopping = true;
        break;
    case NOTIFY_FAILED:
        break;
    }
    put(variables, status);
}

/* ---- for callers ---- */

static void tell_locked(notify_state state, const char *status, uint64_t within_ms)
{
    if (manager.descriptor < 0)
        return;
    pthread_mutex_lock(&manager.lock);
    tell(state, status, within_ms);
    pthread_mutex_unlock(&manager.lock);
}

void notify_tell(notify_state state, const char *status)
{
    tell_locked(state, status, 0);
}

void notify_stopping(const char *status, uint64_t within_ms)
{
    tell_locked(NOTIFY_STOPPING, status, within_ms);
}

bool notify_look(void)
{
    if (manager.descriptor < 0)
        return false;
    pthread_mutex_lock(&manager.lock);
    bool due = send_waiting() && manager.life_us && now_us() >= manager.life_due_us;
    pthread_mutex_unlock(&manager.lock);
    return due;
}

/* One that cannot be sent now is due again at the next look: an old one that waits would prove nothing. */
void notify_alive(void)
{
    pthread_mutex_lock(&manager.lock);
    if (send_one("WATCHDOG=1"))
        manager.life_due_us = now_us() + manager.life_us;
    pthread_mutex_unlock(&manager.lock);
}

int notify_sleep_ms(int most)
{
    uint64_t ms = manager.life_us / US_PER_MS;
    if (!manager.life_us || ms >= (uint64_t)most)
        return most;
    return ms ? (int)ms : 1;
}
