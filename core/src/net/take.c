/*
 * libwebsockets cannot let a socket go: it shuts and closes whatever has its descriptor's number. So the socket gets another number, and the old one
 * leads to /dev/null. Under TLS libwebsockets says goodbye to the SSL, which is told to keep quiet until that is over, and then forgets it.
 *
 * It is taken when TCP, proxies and TLS are done, and libwebsockets would send its request: it has read nothing yet that could be lost.
 */
#ifdef __linux__
#define _GNU_SOURCE /* dup3 */ // NOLINT(bugprone-reserved-identifier)
#endif
#include "net/take.h"

#include "base/memory.h"
#include "net/loop_internal.h"

#include <fcntl.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/epoll.h>
#endif

/* What is left under TLS, until the end of the turn. */
typedef struct remains {
    acurast__reap reap;
    int number; /* the old one: libwebsockets forgets to close it, since it asks the SSL for it */
    SSL *ssl;
} remains;

static void on_reaped(acurast__reap *reap)
{
    remains *r = ACURAST__CONTAINER(reap, remains, reap);
    close(r->number);
    SSL_set_quiet_shutdown(r->ssl, 0);
    SSL_set_shutdown(r->ssl, 0);
    SSL_free(r->ssl);
    acurast__free(r);
}

/* epoll knows a socket by its old number as long as it is open under any; other systems forget it with the number. */
static void leave_epoll(acurast__loop *loop, int number)
{
#ifdef __linux__
    if (loop->uv_kind)
        epoll_ctl(uv_backend_fd(&loop->uv), EPOLL_CTL_DEL, number, NULL);
#else
    (void)loop, (void)number;
#endif
}

/* `to`, which is open, becomes another number for what `from` leads to; closed by an exec. */
static bool copy_to(int from, int to)
{
#ifdef __linux__
    return dup3(from, to, O_CLOEXEC) >= 0;
#else
    return dup2(from, to) >= 0 && fcntl(to, F_SETFD, FD_CLOEXEC) >= 0;
#endif
}

/* The number leads to nothing from now on; -1 where that cannot be, else the socket's new number. */
static int renumber(int number)
{
    int socket = open("/dev/null", O_RDWR | O_CLOEXEC), nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    bool good = socket >= 0 && nothing >= 0 && copy_to(number, socket) && copy_to(nothing, number);
    if (nothing >= 0)
        close(nothing);
    if (good)
        return socket;
    if (socket >= 0)
        close(socket);
    return -1;
}

static bool keep_tls(acurast__stream *stream, SSL *ssl, int number)
{
    remains *r = acurast__alloc(sizeof *r);
    if (!r)
        return false;
    SSL_up_ref(ssl);
    if (!acurast__stream_go_on_with_tls(stream, ssl)) {
        SSL_free(ssl);
        acurast__free(r);
        return false;
    }
    *r = (remains){.reap = {.end = on_reaped}, .number = number, .ssl = ssl};
    SSL_up_ref(ssl); /* while it is libwebsockets' too */
    SSL_set_quiet_shutdown(ssl, 1);
    acurast__list_init(&r->reap.link);
    acurast__loop_reap(stream->loop, &r->reap);
    return true;
}

bool acurast__take(acurast__stream *stream, acurast__loop *loop, struct lws *wsi,
                   void (*ready)(acurast__stream *stream, bool readable, bool writable))
{
    int number = lws_get_socket_fd(wsi);
    SSL *ssl = lws_get_ssl(wsi);
    leave_epoll(loop, number);
    int socket = renumber(number);
    if (socket < 0)
        return false;
    if (!acurast__stream_open(stream, loop, socket, ready)) {
        close(socket);
        return false;
    }
    if (ssl && !keep_tls(stream, ssl, number)) {
        acurast__stream_close(stream);
        return false;
    }
    lws_set_opaque_user_data(wsi, NULL);
    return true;
}
