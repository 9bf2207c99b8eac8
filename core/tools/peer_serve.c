/*
 * acurast-peer serve: a command of the shell answers requests. Each request has a thread of its own, which waits for its command; how
 * many there are at once is the library's option serve-running.
 */
#include "foreign.h"
#include "job.h"
#include "peer.h"
#include "print.h"
#include "talk.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESULT_MAX ((size_t)16 * 1024 * 1024)
#define INVALID_REQUEST (-32600)
#define INTERNAL_ERROR (-32603)
#define SERVER_ERROR (-32000)
#define METHOD_VARIABLE "ACURAST_METHOD="
#define SENDER_VARIABLE "ACURAST_SENDER="

enum {
    SERVE_KEY,
    SERVE_EXEC,
    SERVE_FLAGS
};

static struct serving {
    struct talk talk;
    command_flag flags[SERVE_FLAGS + 1];
    pthread_mutex_t lock;
    pthread_cond_t idle;
    size_t running;
} serving = {.lock = PTHREAD_MUTEX_INITIALIZER,
             .idle = PTHREAD_COND_INITIALIZER,
             .flags = {{"key", "FILE", "Whose identity to use", NULL},
                       {"exec", "COMMAND", "Run by /bin/sh for each request", NULL},
                       {NULL, NULL, NULL, NULL}}};

/* A request, copied for its thread. */
struct task {
    uint64_t request;
    size_t params_size;
    char method[sizeof METHOD_VARIABLE + 256];
    char sender[sizeof SENDER_VARIABLE + (size_t)2 * ACURAST_ID_SIZE];
    uint8_t params[];
};

/* Without the line end that commands of the shell put behind what they write. */
static size_t trimmed(const job_output *output)
{
    size_t size = output->size;
    while (size && memchr(" \t\r\n", output->bytes[size - 1], 4))
        size--;
    return size;
}

static void answer(const struct task *task, const job_output *output)
{
    char text[64];
    acurast_client *client = serving.talk.client;
    acurast_status status;
    if (output->status == 0 && !output->large) {
        status = acurast_client_answer(client, task->request, output->bytes, trimmed(output));
        if (status == ACURAST_INVALID) {
            foreign_tell("acurast-peer: %s: what the command wrote is no JSON",
                         task->method + sizeof METHOD_VARIABLE - 1);
            status =
                acurast_client_answer_error(client, task->request, INTERNAL_ERROR, "the result is not JSON", NULL, 0);
        }
    } else if (output->large) {
        status = acurast_client_answer_error(client, task->request, INTERNAL_ERROR, "the result is too large", NULL, 0);
    } else {
        snprintf(text, sizeof text, "the command ended with %d", output->status);
        status = acurast_client_answer_error(client, task->request, SERVER_ERROR, text, NULL, 0);
    }
    if (status != ACURAST_OK && status != ACURAST_CLOSED)
        talk_fail("answering", status);
}

static void *run(void *argument)
{
    struct task *task = argument;
    const char *const variables[] = {task->method, task->sender, NULL};
    job_output output = job_run(serving.flags[SERVE_EXEC].text, variables, task->params, task->params_size, RESULT_MAX);
    answer(task, &output);
    free(output.bytes);
    free(task);
    pthread_mutex_lock(&serving.lock);
    if (--serving.running == 0)
        pthread_cond_signal(&serving.idle);
    pthread_mutex_unlock(&serving.lock);
    return NULL;
}

static struct task *make_task(const acurast_event_view *event)
{
    struct task *task = malloc(sizeof *task + event->payload_size);
    if (!task)
        return NULL;
    task->request = event->operation;
    task->params_size = event->payload_size;
    if (event->payload_size)
        memcpy(task->params, event->payload, event->payload_size);
    snprintf(task->method, sizeof task->method, METHOD_VARIABLE "%s", event->text);
    char *at = task->sender + snprintf(task->sender, sizeof task->sender, SENDER_VARIABLE);
    for (size_t i = 0; i < ACURAST_ID_SIZE; i++, at += 2)
        snprintf(at, 3, "%02x", event->sender[i]);
    return task;
}

static void begin_task(const acurast_event_view *event)
{
    pthread_t thread;
    if (event->encoding != ACURAST_ENCODING_JSON) {
        acurast_client_answer_error(serving.talk.client, event->operation, INVALID_REQUEST,
                                    "MessagePack is not spoken here", NULL, 0);
        return;
    }
    struct task *task = make_task(event);
    pthread_mutex_lock(&serving.lock);
    bool started = task && pthread_create(&thread, NULL, run, task) == 0;
    serving.running += started;
    pthread_mutex_unlock(&serving.lock);
    if (started) {
        pthread_detach(thread);
        return;
    }
    free(task);
    acurast_client_answer_error(serving.talk.client, event->operation, INTERNAL_ERROR, "out of memory", NULL, 0);
}

static int serve_prepare(struct talk *talk, struct command *command)
{
    (void)talk;
    if (!serving.flags[SERVE_EXEC].text)
        return command_usage(command, "--exec COMMAND, please");
    if (!command->argument_count)
        return command_usage(command, "one method or more, please");
    serving.talk.data = command;
    return COMMAND_CONTINUE;
}

/* It is connecting already: what is asked before this is answered as an unknown method. */
static int serve_begin(struct talk *talk)
{
    const struct command *command = talk->data;
    for (size_t i = 0; i < command->argument_count; i++) {
        acurast_status status = acurast_client_serve(talk->client, command->arguments[i], 0);
        if (status != ACURAST_OK)
            return talk_fail(command->arguments[i], status);
    }
    return COMMAND_CONTINUE;
}

static int serve_event(struct talk *talk, const acurast_event_view *event)
{
    (void)talk;
    if (event->type == ACURAST_EVENT_REQUEST)
        begin_task(event);
    return COMMAND_CONTINUE;
}

static int serve_over(struct talk *talk, int code)
{
    (void)talk;
    (void)code;
    return COMMAND_OK;
}

static void wait_for_tasks(void)
{
    job_end_all();
    pthread_mutex_lock(&serving.lock);
    while (serving.running)
        pthread_cond_wait(&serving.idle, &serving.lock);
    pthread_mutex_unlock(&serving.lock);
}

int peer_serve(int argc, char **argv)
{
    struct command command = {
        .name = "acurast-peer serve",
        .environment = "ACURAST_PEER_",
        .synopsis =
            "acurast-peer serve --url URL... [--key FILE] --exec COMMAND METHOD...\n\n"
            "Answers requests of these methods by a command of the shell. It finds the method in $ACURAST_METHOD, who\n"
            "asks in $ACURAST_SENDER and the params, as JSON, on its standard input. What it writes, one value of "
            "JSON, is\n"
            "the result; if it ends with another status than 0, the answer is the error -32000. Ends with 0 on Ctrl-C.",
        .notes = talk_notes,
        .flags = serving.flags};
    serving.talk.event = serve_event;
    serving.talk.over = serve_over;
    serving.talk.closing = wait_for_tasks;
    return talk_main(&serving.talk, &command, argc, argv, &serving.flags[SERVE_KEY].text, serve_prepare, serve_begin);
}
