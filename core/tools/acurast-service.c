/*
 * acurast-service: the websocket service behind a command line.
 *
 * The main thread waits for two descriptors, that of the event queue and a pipe into which the signal handler writes; so no handler
 * calls the library. Once a second it looks whether the I/O threads still turn, and tells the service manager, if there is one. What might hold it up is on threads of its own: output that
 * nobody reads, and files that are read again.
 *
 * SIGTERM and SIGINT drain, a second one ends at once; SIGHUP reads the certificate and the lists again.
 */
#include "command.h"
#include "foreign.h"
#include "health.h"
#include "notify.h"
#include "reload.h"
#include "say.h"
#include "watchdog.h"

#include <acurast/acurast.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define BATCH 64
#define CONTEXT_END_MS 5000
#define END_MS (CONTEXT_END_MS + 5000) /* after a drain it ends within this time, output that nobody reads included */
#define DESCRIPTORS_MAX ((rlim_t)1024 * 1024)

struct program {
    acurast_options *context_options;
    acurast_options *service_options;
    acurast_context *context;
    acurast_queue *queue;
    acurast_service *service;
    struct watchdog watchdog;
    int signals_out;
    bool draining;
    bool closed;
};

static int signals_in = -1;

/* ---- messages ---- */

static int fail(const char *what, acurast_status status, const char *detail)
{
    char text[512];
    snprintf(text, sizeof text, "acurast-service: %s: %s", what,
             detail && detail[0] ? detail : acurast_status_text(status));
    say_problem(text);
    notify_tell(NOTIFY_FAILED, text + strlen("acurast-service: "));
    return COMMAND_FAILED;
}

/* ---- signals ---- */

static void on_signal(int number)
{
    int error = errno;
    unsigned char byte = (unsigned char)number;
    ssize_t written = write(signals_in, &byte, 1);
    (void)written; /* a full pipe holds more signals than anybody needs */
    errno = error;
}

static bool watch_signals(struct program *program)
{
    int ends[2];
    if (pipe(ends) != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    program->signals_out = ends[0];
    signals_in = ends[1];
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN); /* where it is process 1 it inherits children, which are not to stay as zombies */
    return true;
}

static void stop(struct program *program)
{
    if (program->draining) {
        say_end();
        _exit(COMMAND_FAILED);
    }
    program->draining = true;
    int64_t drain_ms = 0;
    acurast_options_get_int(program->service_options, "drain-time", &drain_ms);
    notify_stopping("draining", (uint64_t)drain_ms + END_MS);
    acurast_service_close(program->service);
}

static void take_signals(struct program *program)
{
    unsigned char numbers[16];
    ssize_t count = read(program->signals_out, numbers, sizeof numbers);
    for (ssize_t i = 0; i < count; i++) {
        if (numbers[i] == SIGHUP)
            reload_begin(program->service);
        else
            stop(program);
    }
}

/* ---- events ---- */

/* The URLs are separated by blanks; each gets a line of its own. */
static void print_urls(struct program *program, const char *urls)
{
    char line[256];
    while (*urls) {
        int size = (int)strcspn(urls, " ");
        snprintf(line, sizeof line, "listening on %.*s", size, urls);
        say_result(line);
        urls += size + (urls[size] == ' ');
    }
    const char *admin = acurast_service_admin_url(program->service);
    if (!admin[0])
        return;
    snprintf(line, sizeof line, "admin on %s", admin);
    say_result(line);
}

static void take_event(struct program *program, const acurast_event_view *event)
{
    if (event->type == ACURAST_EVENT_LOG)
        say(event->level, event->text);
    if (event->type != ACURAST_EVENT_STATE)
        return;
    if (event->state == ACURAST_STATE_LISTENING) {
        char status[512];
        snprintf(status, sizeof status, "listening on %s", event->text);
        print_urls(program, event->text);
        notify_tell(NOTIFY_READY, status);
    }
    program->closed = program->closed || event->state == ACURAST_STATE_CLOSED;
}

static void take_events(struct program *program)
{
    acurast_event_view events[BATCH];
    size_t count = 0;
    events[0].size = sizeof events[0];
    if (acurast_queue_take(program->queue, events, BATCH, 0, &count) != ACURAST_OK)
        return;
    for (size_t i = 0; i < count; i++)
        take_event(program, &events[i]);
    acurast_queue_done(program->queue);
}

static void run(struct program *program)
{
    struct pollfd descriptors[2] = {
        {.fd = acurast_queue_descriptor(program->queue), .events = POLLIN},
        {.fd = program->signals_out, .events = POLLIN},
    };
    while (!program->closed) {
        int ready = poll(descriptors, 2, notify_sleep_ms(WATCHDOG_TICK_MS));
        watchdog_look(&program->watchdog, program->service);
        if (notify_look() && !acurast_service_stalled(program->service, NULL))
            notify_alive();
        if (ready <= 0)
            continue;
        if (descriptors[1].revents)
            take_signals(program);
        if (descriptors[0].revents)
            take_events(program);
    }
}

/* ---- start and end ---- */

/* To the hard limit, but not beyond what a service can use. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    rlim_t most = limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
    if (limit.rlim_cur >= most)
        return;
    limit.rlim_cur = most;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static int start(struct program *program)
{
    acurast_status status = acurast_context_create(program->context_options, &program->context);
    if (status != ACURAST_OK)
        return fail("context", status, NULL);
    status = acurast_queue_create(program->context, 0, 0, &program->queue);
    if (status != ACURAST_OK)
        return fail("queue", status, NULL);
    status = acurast_service_create(program->context, program->service_options, &program->service);
    if (status == ACURAST_BAD_OPTION) {
        fail("options", status, acurast_options_error(program->service_options));
        return COMMAND_USAGE;
    }
    if (status != ACURAST_OK)
        return fail("service", status, NULL);
    status = acurast_service_set_queue(program->service, program->queue, 0);
    if (status == ACURAST_OK)
        status = acurast_service_start(program->service);
    return status == ACURAST_OK ? COMMAND_CONTINUE : fail("start", status, acurast_service_error(program->service));
}

static void end(struct program *program)
{
    acurast_service_release(program->service);
    if (program->context) {
        acurast_context_close(program->context);
        acurast_context_wait(program->context, CONTEXT_END_MS);
    }
    acurast_queue_release(program->queue);
    acurast_context_release(program->context);
    acurast_options_release(program->service_options);
    acurast_options_release(program->context_options);
}

static int make_options(struct program *program)
{
    if (acurast_options_create(ACURAST_SCOPE_CONTEXT, &program->context_options) != ACURAST_OK ||
        acurast_options_create(ACURAST_SCOPE_SERVICE, &program->service_options) != ACURAST_OK ||
        acurast_options_set(program->context_options, "threads", "0") != ACURAST_OK)
        return fail("options", ACURAST_NO_MEMORY, NULL);
    return COMMAND_CONTINUE;
}

/* False for a time out of range. */
static bool take_watchdog(struct program *program, const char *text)
{
    uint64_t us = 0;
    if (!command_parse_time(text, &us))
        return false;
    program->watchdog.limit_ms = us / 1000;
    return us == 0 || (us >= WATCHDOG_MIN_MS * UINT64_C(1000) && us <= WATCHDOG_MAX_MS * UINT64_C(1000));
}

int main(int argc, char **argv)
{
    struct program program = {.signals_out = -1};
    int code = make_options(&program);
    command_flag flags[] = {
        {"watchdog", "TIME",
         "End with exit code 1 once an I/O thread has not turned for so long, so that a supervisor starts it anew; at "
         "least 3s, at most 24h (0, the default: it is only told)",
         NULL},
        {"healthcheck", NULL,
         "Ask the service that runs with these settings whether it is ready, at --admin-listen or else at --listen, "
         "and "
         "end with 0 if it is, with 1 if not",
         NULL},
        {NULL, NULL, NULL, NULL}};
    command_scope scopes[] = {
        {ACURAST_SCOPE_SERVICE, program.service_options}, {ACURAST_SCOPE_CONTEXT, program.context_options}, {0, NULL}};
    struct command command = {
        .name = "acurast-service",
        .environment = "ACURAST_SERVICE_",
        .synopsis = "acurast-service [--listen ADDRESS:PORT] [FLAGS]\n\n"
                    "The Acurast websocket service: authenticates clients and relays payloads between them.\n"
                    "Prints \"listening on URL\" once it is ready.",
        .notes = "SIGTERM and SIGINT drain: no new connections, the old ones are told to go, and it ends within\n"
                 "--drain-time; a second one ends at once. SIGHUP reads the certificate and the lists again.\n"
                 "Exit codes: 0 ended as asked, 1 could not start or ended by the watchdog, 2 wrong usage.\n"
                 "Under a service manager that sets NOTIFY_SOCKET (Type=notify of systemd) it tells when it is ready,\n"
                 "reloads and stops, and with WatchdogSec= that all of its threads turn.",
        .flags = flags,
        .scopes = scopes,
    };
    if (code == COMMAND_CONTINUE)
        code = command_parse(&command, argc, argv);
    if (code == COMMAND_CONTINUE && command.argument_count)
        code = command_usage(&command, "%s is not a flag", command.arguments[0]);
    if (code == COMMAND_CONTINUE && !take_watchdog(&program, flags[0].text))
        code = command_usage(&command, "--watchdog: not a time of at least 3s and at most 24h: %s", flags[0].text);
    if (code == COMMAND_CONTINUE && flags[1].text)
        code = health_check(program.service_options);
    raise_descriptor_limit();
    if (code == COMMAND_CONTINUE)
        notify_open();
    if (code == COMMAND_CONTINUE && (!watch_signals(&program) || !watchdog_open()))
        code = fail("pipe", ACURAST_SYSTEM, strerror(errno));
    if (code == COMMAND_CONTINUE)
        code = start(&program);
    if (code == COMMAND_CONTINUE) {
        run(&program);
        code = COMMAND_OK;
    }
    say_end();
    if (reload_under_way())
        _exit(code); /* a file that hangs has no end; all that is to be released is memory */
    end(&program);
    return code;
}
