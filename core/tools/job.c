/*
 * One thread waits for one command: it writes and reads by poll(), so that a command which does not read its input is not waited for in
 * vain. Those that run are in a table, so that all of them can be ended.
 */
#include "job.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOBS_MAX 4096
#define READ_SIZE 65536

extern char **environ;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pid_t running[JOBS_MAX];
static bool ending;

void job_end_all(void)
{
    pthread_mutex_lock(&lock);
    ending = true;
    for (size_t i = 0; i < JOBS_MAX; i++)
        if (running[i])
            kill(-running[i], SIGTERM);
    pthread_mutex_unlock(&lock);
}

static char **environment_with(const char *const *variables)
{
    size_t count = 0, added = 0;
    while (environ[count])
        count++;
    while (variables[added])
        added++;
    char **all = calloc(count + added + 1, sizeof *all);
    if (!all)
        return NULL;
    memcpy(all, variables, added * sizeof *all); /* first, so that they win */
    memcpy(all + added, environ, count * sizeof *all);
    return all;
}

/* Its standard input and output are `end`; it leads a process group of its own. */
static bool start(const char *command, char **environment, int end, pid_t *pid)
{
    char *const arguments[] = {(char *)"sh", (char *)"-c", (char *)command, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, standard;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, end, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, end, STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    sigemptyset(&none);
    sigemptyset(&standard);
    sigaddset(&standard, SIGPIPE);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &standard);
    bool started = posix_spawn(pid, "/bin/sh", &actions, &attributes, arguments, environment) == 0;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return started;
}

/* The place in the table; -1: none is free, or all are to end. Under the lock the command starts, so that none is forgotten. */
static int launch(const char *command, char **environment, int end)
{
    int place = -1;
    pthread_mutex_lock(&lock);
    for (int i = 0; !ending && place < 0 && i < JOBS_MAX; i++)
        if (!running[i])
            place = i;
    if (place >= 0 && !start(command, environment, end, &running[place])) {
        running[place] = 0;
        place = -1;
    }
    pthread_mutex_unlock(&lock);
    return place;
}

static bool keep(job_output *output, const uint8_t *bytes, size_t size, size_t most)
{
    if (size > most - output->size) {
        output->large = true;
        return false;
    }
    uint8_t *larger = realloc(output->bytes, output->size + size);
    if (!larger)
        return false;
    memcpy(larger + output->size, bytes, size);
    output->bytes = larger;
    output->size += size;
    return true;
}

/* A socket for both ways; what the command does not read is not written. */
static void talk(int own, const uint8_t *input, size_t left, size_t most, job_output *output)
{
    static _Thread_local uint8_t piece[READ_SIZE];
    struct pollfd watched = {.fd = own};
    if (!left)
        shutdown(own, SHUT_WR);
    for (;;) {
        watched.events = (short)(POLLIN | (left ? POLLOUT : 0));
        if (poll(&watched, 1, -1) < 0 && errno != EINTR)
            return;
        if (watched.revents & POLLOUT && left) {
            ssize_t sent = send(own, input, left, MSG_NOSIGNAL | MSG_DONTWAIT);
            input += sent > 0 ? sent : 0;
            left -= sent > 0 ? (size_t)sent : errno == EAGAIN ? 0 : left;
            if (!left)
                shutdown(own, SHUT_WR);
        }
        if (watched.revents & (POLLIN | POLLHUP | POLLERR)) {
            ssize_t got = recv(own, piece, sizeof piece, MSG_DONTWAIT);
            if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR) ||
                (got > 0 && !keep(output, piece, (size_t)got, most)))
                return;
        }
    }
}

static int finish(int place, bool end)
{
    int status = 0;
    pid_t pid = running[place];
    if (end)
        kill(-pid, SIGTERM);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    pthread_mutex_lock(&lock);
    running[place] = 0;
    pthread_mutex_unlock(&lock);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

job_output job_run(const char *command, const char *const *variables, const void *input, size_t input_size, size_t most)
{
    job_output output = {.status = -1};
    int ends[2];
    char **environment = environment_with(variables);
    if (!environment || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        free(environment);
        return output;
    }
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    int place = launch(command, environment, ends[1]);
    close(ends[1]);
    free(environment);
    if (place >= 0) {
        talk(ends[0], input, input_size, most, &output);
        output.status = finish(place, output.large);
    }
    close(ends[0]);
    return output;
}
