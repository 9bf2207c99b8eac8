/* One lock for the making of contexts and vhosts: it touches the process (signals, the time zone, OpenSSL). */
#include "net/lws.h"

#include <pthread.h>
#include <signal.h>

/* How much of a connection's inside is searched; in 4.1.6 it has 216. */
#define INSIDE_WORDS 200

const lws_retry_bo_t acurast__no_lws_policy;

static pthread_mutex_t process_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t fork_noted = PTHREAD_ONCE_INIT;

static void take(void)
{
    pthread_mutex_lock(&process_lock);
}

static void give(void)
{
    pthread_mutex_unlock(&process_lock);
}

static void note_fork(void)
{
    pthread_atfork(take, give, give);
}

/* A fork waits until nobody is within: the child would find the lock, and the C library's of the time zone, taken for ever. */
static void enter(void)
{
    pthread_once(&fork_noted, note_fork);
    take();
}

/* Never used and never freed: contexts made later with the same flag would move the index under running handshakes. */
static struct lws_context *tls_owner;

static struct lws_context *create(struct lws_context_creation_info *info)
{
    struct sigaction before;
    sigaction(SIGPIPE, NULL, &before);
    lws_set_log_level(0, NULL);
    info->gid = (__typeof__(info->gid))-1; /* stay who we are; the fields' type differs between versions */
    info->uid = (__typeof__(info->uid))-1;
    struct lws_context *context = lws_create_context(info);
    sigaction(SIGPIPE, &before, NULL);
    return context;
}

struct lws_context *acurast__lws_context(struct lws_context_creation_info *info)
{
    enter();
    struct lws_context *context = create(info);
    give();
    return context;
}

struct lws_vhost *acurast__lws_vhost(struct lws_context *context, const struct lws_context_creation_info *info)
{
    enter();
    struct lws_vhost *vhost = lws_create_vhost(context, info);
    give();
    return vhost;
}

bool acurast__lws_tls_ready(void)
{
    enter();
    if (!tls_owner) {
        struct lws_context_creation_info info = {
            .port = CONTEXT_PORT_NO_LISTEN,
            .fd_limit_per_thread = 8,
            .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
        };
        tls_owner = create(&info);
    }
    bool ready = tls_owner != NULL;
    give();
    return ready;
}

/* Nothing else than its inside remembers the number: it stands where a change is seen through lws_get_socket_fd(). */
void acurast__lws_forget_descriptor(struct lws *pipe)
{
    int *inside = (int *)(void *)pipe;
    int descriptor = lws_get_socket_fd(pipe);
    for (size_t i = 0; LWS_LIBRARY_VERSION_NUMBER < 4002000 && i < INSIDE_WORDS; i++) {
        if (inside[i] != descriptor)
            continue;
        inside[i] = -1;
        if (lws_get_socket_fd(pipe) == -1)
            return;
        inside[i] = descriptor;
    }
}
