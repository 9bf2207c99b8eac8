/* getaddrinfo() cannot be stopped. A lookup that is cancelled is let go of, and frees itself when the system has answered. */
#include "net/lookup.h"

#include "base/memory.h"
#include "net/socket.h"
#include "net/worker.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <uv.h>

#define FAMILY_MOST (ACURAST__LOOKUP_MOST / 2)
#define PROBLEM_SIZE 128

struct acurast__lookup {
    acurast__job job;
    acurast__lookup_done *done; /* NULL: cancelled */
    void *owner;
    int error;  /* of getaddrinfo() */
    int system; /* errno with it */
    size_t count;
    acurast__address addresses[ACURAST__LOOKUP_MOST];
    char host[];
};

/* Good on one of this machine's networks only, which an acurast__address does not tell. */
static bool is_scoped(const struct sockaddr *address)
{
    return address->sa_family == AF_INET6 && ((const struct sockaddr_in6 *)address)->sin6_scope_id;
}

static void keep(acurast__lookup *lookup, const struct addrinfo *found, size_t *of_family)
{
    if (*of_family >= FAMILY_MOST || is_scoped(found->ai_addr))
        return;
    acurast__socket_address_read(&lookup->addresses[lookup->count++], found->ai_addr);
    ++*of_family;
}

static void resolve(acurast__job *job)
{
    acurast__lookup *lookup = ACURAST__CONTAINER(job, acurast__lookup, job);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list = NULL;
    size_t fours = 0, sixes = 0;
    lookup->error = getaddrinfo(lookup->host, NULL, &hints, &list);
    lookup->system = errno;
    for (struct addrinfo *at = list; at; at = at->ai_next)
        keep(lookup, at, at->ai_family == AF_INET ? &fours : &sixes);
    if (list)
        freeaddrinfo(list);
}

static const char *problem_of(const acurast__lookup *lookup, char text[PROBLEM_SIZE])
{
    if (!lookup->job.started)
        return "no thread is left to look it up";
    if (lookup->error == EAI_SYSTEM)
        return uv_strerror_r(uv_translate_sys_error(lookup->system), text, PROBLEM_SIZE);
    return lookup->error ? gai_strerror(lookup->error) : "it has no address";
}

static void on_resolved(acurast__job *job)
{
    acurast__lookup *lookup = ACURAST__CONTAINER(job, acurast__lookup, job);
    char text[PROBLEM_SIZE];
    if (lookup->done)
        lookup->done(lookup->owner, lookup->addresses, lookup->count, problem_of(lookup, text));
    acurast__free(lookup);
}

acurast__lookup *acurast__lookup_start(acurast__loop *loop, const char *host, acurast__lookup_done *done, void *owner)
{
    size_t size = strlen(host) + 1;
    acurast__lookup *lookup = acurast__alloc_zero(sizeof *lookup + size);
    if (!lookup)
        return NULL;
    memcpy(lookup->host, host, size);
    lookup->done = done;
    lookup->owner = owner;
    lookup->job.work = resolve;
    lookup->job.done = on_resolved;
    atomic_init(&lookup->job.cancelled, false);
    acurast__worker_submit(loop, &lookup->job);
    return lookup;
}

void acurast__lookup_cancel(acurast__lookup *lookup)
{
    lookup->done = NULL;
    atomic_store(&lookup->job.cancelled, true);
}
