/*
 * The state and what the service manager is told of it change together, so that it never hears the end of one reload after the beginning
 * of the next.
 */
#include "reload.h"

#include "notify.h"
#include "say.h"

#include <pthread.h>
#include <stdio.h>

static enum {
    NOTHING,
    READING,
    ONCE_MORE
} state = NOTHING;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the state */

/* Writes how it ended for the manager. */
static void reload(acurast_service *service, char *result, size_t size)
{
    acurast_status status = acurast_service_reload(service);
    if (status == ACURAST_OK) {
        snprintf(result, size, "the files were read again");
        say(ACURAST_LOG_WARN, "what=reloaded");
        return;
    }
    const char *detail = acurast_service_error(service);
    snprintf(result, size, "reload failed, the old files stay in force: %s",
             detail[0] ? detail : acurast_status_text(status));
    char text[512];
    snprintf(text, sizeof text, "what=reload_failed status=%s detail=\"%s\"", acurast_status_name(status), detail);
    say(ACURAST_LOG_ERROR, text);
}

/* True where it was asked for once more meanwhile. */
static bool once_more(const char *result)
{
    pthread_mutex_lock(&lock);
    bool again = state == ONCE_MORE;
    state = again ? READING : NOTHING;
    if (!again)
        notify_tell(NOTIFY_RELOADED, result);
    pthread_mutex_unlock(&lock);
    return again;
}

static void *run(void *service)
{
    char result[512];
    do
        reload(service, result, sizeof result);
    while (once_more(result));
    return NULL;
}

static void start(acurast_service *service)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, service) == 0) {
        state = READING;
        pthread_detach(thread);
        return;
    }
    say(ACURAST_LOG_ERROR, "what=reload_failed status=SYSTEM detail=\"no thread\"");
    notify_tell(NOTIFY_RELOADED, "reload failed: no thread");
}

void reload_begin(acurast_service *service)
{
    pthread_mutex_lock(&lock);
    notify_tell(NOTIFY_RELOADING, "reading files again");
    if (state == NOTHING)
        start(service);
    else
        state = ONCE_MORE;
    pthread_mutex_unlock(&lock);
}

bool reload_under_way(void)
{
    pthread_mutex_lock(&lock);
    bool under_way = state != NOTHING;
    pthread_mutex_unlock(&lock);
    return under_way;
}
