/*
 * A context's life:
 *
 *   created -> running (the first member joined: the loops were started) -> closed -> ended (each loop has)
 *
 * It ends when nobody is left on it and either it was closed or its last handle is gone. References are the handle's and each
 * member's; the last one frees the memory, after the loops were joined or let go of.
 */
#include "net/context.h"

#include "base/condition.h"
#include "base/cores.h"
#include "base/memory.h"
#include "base/option.h"
#include "base/process.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

struct acurast_context {
    atomic_uint references;
    atomic_bool held; /* the user has the handle */
    unsigned generation;
    acurast__loop_config config;
    acurast_log_level log_level;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    acurast__list members;
    size_t member_count;
    bool closed;
    bool stopping; /* the loops were told to end */
    bool joined;
    size_t running; /* loops that have not ended */
    size_t loop_count;
    atomic_size_t next_loop;
    acurast__loop **loops; /* NULL until started */
};

static void free_context(acurast_context *context)
{
    if (context->loops && !context->joined)
        for (size_t i = 0; i < context->loop_count; i++)
            acurast__loop_detach(context->loops[i]);
    pthread_cond_destroy(&context->changed);
    pthread_mutex_destroy(&context->lock);
    acurast__free(context->loops);
    acurast__free(context);
    acurast__object_died();
}

acurast_context *acurast__context_retain(acurast_context *context)
{
    atomic_fetch_add(&context->references, 1);
    return context;
}

void acurast__context_release(acurast_context *context)
{
    if (atomic_fetch_sub(&context->references, 1) == 1)
        free_context(context);
}

bool acurast__context_forked(const acurast_context *context)
{
    return acurast__forked(context->generation);
}

bool acurast__context_closed(acurast_context *context)
{
    pthread_mutex_lock(&context->lock);
    bool closed = context->closed;
    pthread_mutex_unlock(&context->lock);
    return closed;
}

acurast_log_level acurast__context_log_level(const acurast_context *context)
{
    return context->log_level;
}

static size_t loop_count(const acurast_options *options)
{
    int64_t count = acurast__options_number(options, ACURAST__OPTION_THREADS);
    return count ? (size_t)count : acurast__cores();
}

/* Each ended loop lets go of the context, as it held it while it ran. */
static void on_loop_ended(void *user)
{
    acurast_context *context = user;
    pthread_mutex_lock(&context->lock);
    context->running--;
    pthread_cond_broadcast(&context->changed);
    pthread_mutex_unlock(&context->lock);
    acurast__context_release(context);
}

acurast_status acurast__context_create(const acurast_options *options, acurast_context **out)
{
    acurast_context *context = acurast__alloc_zero(sizeof *context);
    if (!context)
        return ACURAST_NO_MEMORY;
    atomic_init(&context->references, 1);
    atomic_init(&context->held, true);
    context->generation = acurast__process_generation();
    context->loop_count = loop_count(options);
    context->log_level = (acurast_log_level)acurast__options_number(options, ACURAST__OPTION_LOG_LEVEL);
    context->config.ended = on_loop_ended;
    context->config.user = context;
    acurast__list_init(&context->members);
    acurast__condition_init(&context->changed);
    pthread_mutex_init(&context->lock, NULL);
    acurast__object_born();
    *out = context;
    return ACURAST_OK;
}

/* ---- loops ---- */

static void stop_loops(acurast_context *context)
{
    context->stopping = true;
    for (size_t i = 0; i < context->loop_count; i++)
        acurast__loop_stop(context->loops[i]);
}

/* Where one cannot be started, those before it are ended and let go of. */
static acurast_status start_loops(acurast_context *context)
{
    acurast__loop **loops = acurast__alloc_zero(context->loop_count * sizeof *loops);
    if (!loops)
        return ACURAST_NO_MEMORY;
    for (size_t i = 0; i < context->loop_count; i++) {
        acurast__loop_config config = context->config;
        config.index = (unsigned)i;
        acurast__context_retain(context);
        acurast_status status = acurast__loop_start(&config, &loops[i]);
        if (status == ACURAST_OK) {
            context->running++;
            continue;
        }
        atomic_fetch_sub(&context->references, 1); /* not the last one: the caller has one */
        while (i--) {
            acurast__loop_stop(loops[i]);
            acurast__loop_detach(loops[i]);
        }
        acurast__free(loops);
        return status;
    }
    context->loops = loops;
    return ACURAST_OK;
}

acurast_status acurast__context_join(acurast_context *context, acurast__member *member)
{
    acurast_status status = ACURAST_OK;
    pthread_mutex_lock(&context->lock);
    if (context->closed || context->stopping)
        status = ACURAST_CLOSED;
    else if (!context->loops)
        status = start_loops(context);
    if (status == ACURAST_OK) {
        member->asked = false;
        acurast__list_append(&context->members, &member->link);
        context->member_count++;
        acurast__context_retain(context);
    }
    pthread_mutex_unlock(&context->lock);
    return status;
}

/* With the lock held. */
static void stop_if_idle(acurast_context *context, bool unwanted)
{
    if (unwanted && context->loops && !context->member_count && !context->stopping)
        stop_loops(context);
}

void acurast__context_leave(acurast_context *context, acurast__member *member)
{
    pthread_mutex_lock(&context->lock);
    acurast__list_remove(&member->link);
    context->member_count--;
    stop_if_idle(context, context->closed || !atomic_load(&context->held));
    pthread_cond_broadcast(&context->changed);
    pthread_mutex_unlock(&context->lock);
    acurast__context_release(context);
}

size_t acurast__context_loop_count(const acurast_context *context)
{
    return context->loop_count;
}

acurast__loop *acurast__context_loop(const acurast_context *context, size_t index)
{
    return context->loops[index];
}

acurast__loop *acurast__context_next_loop(acurast_context *context)
{
    return context->loops[atomic_fetch_add(&context->next_loop, 1) % context->loop_count];
}

/* ---- the end ---- */

/* A member that nobody asked to close, retained; NULL: none. It stays in the list until it leaves. With the lock held. */
static acurast__member *next_to_close(acurast_context *context)
{
    for (acurast__list *at = context->members.next; at != &context->members; at = at->next) {
        acurast__member *member = ACURAST__CONTAINER(at, acurast__member, link);
        if (member->asked)
            continue;
        member->asked = true;
        member->retain(member);
        /* Those who were asked go to the end, so that the search is short. */
        acurast__list_remove(at);
        acurast__list_append(&context->members, at);
        return member;
    }
    return NULL;
}

/* Members are closed one by one with no lock held; none joins any more. */
acurast_status acurast__context_close(acurast_context *context)
{
    acurast__member *member;
    pthread_mutex_lock(&context->lock);
    context->closed = true;
    stop_if_idle(context, true);
    pthread_cond_broadcast(&context->changed);
    while ((member = next_to_close(context))) {
        pthread_mutex_unlock(&context->lock);
        member->close(member);
        member->release(member);
        pthread_mutex_lock(&context->lock);
    }
    pthread_mutex_unlock(&context->lock);
    return ACURAST_OK;
}

static bool ended(const acurast_context *context)
{
    return context->closed && !context->member_count && !context->running;
}

acurast_status acurast__context_wait(acurast_context *context, int timeout_ms)
{
    uint64_t deadline = acurast__deadline_in(timeout_ms);
    pthread_mutex_lock(&context->lock);
    while (!ended(context) && acurast__condition_wait(&context->changed, &context->lock, deadline))
        ;
    bool over = ended(context);
    bool join = over && context->loops && !context->joined;
    if (join)
        context->joined = true;
    pthread_mutex_unlock(&context->lock);
    if (join)
        for (size_t i = 0; i < context->loop_count; i++)
            acurast__loop_join(context->loops[i]);
    return over ? ACURAST_OK : ACURAST_TIMEOUT;
}

/* The handle is gone: what is on the loops goes on, and they end with the last of it. */
void acurast__context_abandon(acurast_context *context)
{
    pthread_mutex_lock(&context->lock);
    atomic_store(&context->held, false);
    stop_if_idle(context, true);
    pthread_mutex_unlock(&context->lock);
    acurast__context_release(context);
}
