/*
 * libwebsockets cannot let a socket go: it shuts and closes whatever has its descriptor's number. So the socket gets another number, and the old one
 * leads to /dev/null. Under TLS libwebsockets says goodbye to the SSL, which is told to keep quiet until that is over, and then forgets it.
 *
 * Nothing is lost in between: up to the end of the answer's head libwebsockets reads byte by byte.
 */
#include "net/take.h"

#include "base/memory.h"
#include "net/loop_internal.h"

#include <fcntl.h>
#include <unistd.h>

/* What libwebsockets has of it, until the end of the turn. */
typedef struct remains {
    acurast__reap reap;
    struct lws *wsi;
    int number; /* the old one, where libwebsockets forgets to close it: so under TLS, since it asks the SSL for it */
    SSL *ssl;
} remains;

static void on_reaped(acurast__reap *reap)
{
    remains *r = ACURAST__CONTAINER(reap, remains, reap);
    lws_set_timeout(r->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
    if (r->ssl) {
        close(r->number);
        SSL_set_quiet_shutdown(r->ssl, 0);
        SSL_set_shutdown(r->ssl, 0);
        SSL_free(r->ssl);
    }
    acurast__free(r);
}

/* The number leads to nothing from now on; -1 where that cannot be, else the socket's new number. */
static int renumber(int number)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    int socket = fcntl(number, F_DUPFD_CLOEXEC, 0);
    if (nothing >= 0 && socket >= 0 && dup2(nothing, number) >= 0) {
        fcntl(number, F_SETFD, FD_CLOEXEC);
        close(nothing);
        return socket;
    }
    if (nothing >= 0)
        close(nothing);
    if (socket >= 0)
        close(socket);
    return -1;
}

static bool go_on(acurast__stream *stream, acurast__loop *loop, remains *r, int socket,
                  void (*ready)(acurast__stream *stream, bool readable, bool writable))
{
    if (!acurast__stream_open(stream, loop, socket, ready)) {
        close(socket);
        return false;
    }
    if (!r->ssl)
        return true;
    SSL_up_ref(r->ssl);
    if (acurast__stream_go_on_with_tls(stream, r->ssl)) {
        SSL_up_ref(r->ssl); /* while it is libwebsockets' too */
        SSL_set_quiet_shutdown(r->ssl, 1);
    } else {
        SSL_free(r->ssl);
        acurast__stream_close(stream);
    }
    return stream->ssl != NULL;
}

bool acurast__take(acurast__stream *stream, acurast__loop *loop, struct lws *wsi,
                   void (*ready)(acurast__stream *stream, bool readable, bool writable))
{
    remains *r = acurast__alloc(sizeof *r);
    if (!r)
        return false;
    *r = (remains){.reap = {.end = on_reaped}, .wsi = wsi, .number = lws_get_socket_fd(wsi), .ssl = lws_get_ssl(wsi)};
    acurast__list_init(&r->reap.link);
    lws_rx_flow_control(wsi, 0); /* takes it out of the event loop */
    int socket = renumber(r->number);
    if (socket < 0 || !go_on(stream, loop, r, socket, ready)) {
        acurast__free(r);
        return false;
    }
    lws_set_opaque_user_data(wsi, NULL);
    acurast__loop_reap(loop, &r->reap);
    return true;
}
