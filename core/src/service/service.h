/*
 * The service as a whole: a shard on each loop of its context, the listeners, the directory, and the order of its life.
 *
 *   IDLE -> STARTING -> RUNNING -> DRAINING -> CLOSED
 *             |
 *             +-> IDLE, where an address cannot be had
 *
 * A drain goes in steps, looked after by the first loop (the service's home): public listeners closed, clients told and
 * gone, admin listener closed, shards stopped, CLOSED delivered, context left.
 *
 * References: the handle, the running service, every event and task on its way.
 */
#ifndef ACURAST_SERVICE_SERVICE_H
#define ACURAST_SERVICE_SERVICE_H

#include "base/event.h"
#include "net/context.h"
#include "service/connection.h"
#include "service/directory.h"
#include "service/expiry.h"
#include "service/gate.h"
#include "service/settings.h"
#include "service/shard.h"

#include <acurast/service.h>

#include <pthread.h>

/* A loop that has not turned for so long is told by /readyz. */
#define ACURAST__STALL_MS 5000

typedef enum acurast__service_life {
    ACURAST__LIFE_IDLE,
    ACURAST__LIFE_STARTING,
    ACURAST__LIFE_RUNNING,
    ACURAST__LIFE_DRAINING,
    ACURAST__LIFE_CLOSED
} acurast__service_life;

typedef struct acurast__service_event {
    acurast__event event;
    acurast_service *service;
} acurast__service_event;

struct acurast_service {
    atomic_uint references;
    acurast_context *context;
    acurast__settings *settings;
    acurast__member member;
    acurast__delivery delivery;
    acurast__directory directory;
    acurast__address_table addresses;
    acurast__access *access; /* of new shards */

    acurast__shard *shards;
    size_t shard_count;
    acurast__gate *gates; /* public ones, then the admin's */
    size_t gate_count;
    acurast__certificate_facts first_certificate; /* of the start */
    acurast__expiry expiry;

    atomic_bool ready;              /* new connections are taken */
    atomic_bool started;            /* once it is, `shards` stays as it is */
    _Atomic uint64_t connections;   /* public, admitted and not left */
    _Atomic uint64_t pending;       /* of them, those that are neither accepted nor ended */
    _Atomic uint64_t ids;           /* of them, those that hold an id */
    _Atomic uint64_t admin_pending; /* of the next, those that were not given up for others */
    _Atomic uint64_t admin_connections;
    atomic_size_t shards_running;
    atomic_uint lines_waiting; /* of the log, on their way to the home loop */

    pthread_mutex_t reloading; /* one reload at a time: held while files are read, and not taken with `lock` held */
    pthread_mutex_t lock;      /* of what follows */
    pthread_cond_t changed;
    acurast__service_life life;
    bool close_wanted; /* while STARTING */
    char error[256];
    char *urls; /* of all public listeners, separated by blanks */

    acurast__task drain;
    acurast__task finish;
    acurast__task announce;
    bool admin_closing;
    bool stopping;                    /* the shards were told to stop, for good */
    acurast__service_event events[3]; /* LISTENING, DRAINING, CLOSED */
};

/* What acurast/service.h promises, after the checks of its arguments. */
acurast_status acurast__service_create(acurast_context *context, acurast_options *options, acurast_service **service);
acurast_status acurast__service_set_callback(acurast_service *service, acurast_event_callback callback, void *user,
                                             acurast_destructor destructor);
acurast_status acurast__service_set_queue(acurast_service *service, acurast_queue *queue, uint64_t source);
acurast_status acurast__service_start(acurast_service *service);
acurast_status acurast__service_reload(acurast_service *service);
acurast_status acurast__service_close(acurast_service *service);
acurast_status acurast__service_wait(acurast_service *service, int timeout_ms);

/* "" or 0 where it does not listen. */
const char *acurast__service_url(const acurast_service *service);
const char *acurast__service_admin_url(const acurast_service *service);
uint16_t acurast__service_port(const acurast_service *service);

/* The handle's reference, after a close. */
void acurast__service_release_handle(acurast_service *service);

void acurast__service_retain(acurast_service *service);
void acurast__service_release(acurast_service *service);

/* For its shards: the next step of a drain, on the home loop; and that a shard has stopped. */
void acurast__service_drain_step(acurast_service *service);
void acurast__service_shard_stopped(acurast_service *service);

/* Delivers a state, each once; on the home loop, or where the service was never on it. */
void acurast__service_events_init(acurast_service *service);
void acurast__service_tell(acurast_service *service, acurast_state state);

/* Tells on the home loop that it listens. Any thread. */
void acurast__service_announce(acurast_service *service);

/* A line of the form `what=... key=value`; on a loop of the service. Quiet below the context's level. */
void acurast__service_log(acurast__shard *shard, acurast_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* All buffers of all loops, the mailboxes and what is in transit. Any thread. */
uint64_t acurast__service_memory(acurast_service *service);

/*
 * How long the loop that is furthest behind has not turned, in milliseconds, and its index; 0 while all turn, and while none runs.
 * Takes no lock: a loop that hangs may hold it. Any thread.
 */
uint64_t acurast__service_stalled(const acurast_service *service, unsigned *thread);

/* Sums all counters and measures what is now; the text is from acurast__alloc(), NULL without memory. Any thread. */
char *acurast__service_metrics(acurast_service *service, size_t *size);

#endif
