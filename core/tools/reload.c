#include "reload.h"

#include "say.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum {
    NOTHING,
    READING,
    ONCE_MORE
};

static atomic_int state = NOTHING;

static void reload(acurast_service *service)
{
    acurast_status status = acurast_service_reload(service);
    if (status == ACURAST_OK) {
        say(ACURAST_LOG_WARN, "what=reloaded");
        return;
    }
    char text[512];
    snprintf(text, sizeof text, "what=reload_failed status=%s detail=\"%s\"", acurast_status_name(status),
             acurast_service_error(service));
    say(ACURAST_LOG_ERROR, text);
}

static void *run(void *service)
{
    int reading;
    do {
        atomic_store(&state, READING);
        reload(service);
        reading = READING;
    } while (!atomic_compare_exchange_strong(&state, &reading, NOTHING));
    return NULL;
}

void reload_begin(acurast_service *service)
{
    pthread_t thread;
    if (atomic_exchange(&state, ONCE_MORE) != NOTHING)
        return;
    if (pthread_create(&thread, NULL, run, service) == 0) {
        pthread_detach(thread);
        return;
    }
    atomic_store(&state, NOTHING);
    say(ACURAST_LOG_ERROR, "what=reload_failed status=SYSTEM detail=\"no thread\"");
}

bool reload_under_way(void)
{
    return atomic_load(&state) != NOTHING;
}
