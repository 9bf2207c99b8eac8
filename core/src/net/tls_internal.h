/* Inside of a client's TLS context, for the connector. */
#ifndef ACURAST_NET_TLS_INTERNAL_H
#define ACURAST_NET_TLS_INTERNAL_H

#include "net/loop_internal.h"
#include "net/tls.h"

#include <openssl/ssl.h>

/* One more reference. Any thread. */
acurast__tls *acurast__tls_retain(const acurast__tls *tls);

/*
 * The vhost of `loop` for clients that trust by `tls` (NULL: plain), made at first use. One for each trust and loop, counted by use:
 * give it back with acurast__tls_vhost_let(). NULL without memory. The loop's thread.
 */
struct lws_vhost *acurast__tls_vhost(acurast__loop *loop, const acurast__tls *tls);
void acurast__tls_vhost_let(acurast__loop *loop, struct lws_vhost *vhost);

/*
 * Frees vhosts of trusts that nobody uses (the plain one stays for the next client). Between turns only: not from within a callback of
 * libwebsockets. `all`: forget them all, the libwebsockets context is about to be destroyed.
 */
void acurast__tls_vhosts_sweep(acurast__loop *loop, bool all);

#endif
