/*
 * What libwebsockets keeps for the whole process, and what differs between its
 * versions. The process-wide things are: its log level (we silence it), its
 * SIGPIPE handler (we put back the program's), and one context that owns its TLS index.
 */
#ifndef ACURAST_NET_LWS_H
#define ACURAST_NET_LWS_H

#include <libwebsockets.h>
#include <stdbool.h>

/* No pings or hang-ups by libwebsockets: its timers cost more the more connections there are. */
extern const lws_retry_bo_t acurast__no_lws_policy;

/* A context, made with the process-wide things in order. NULL where it cannot be made. Any thread. */
struct lws_context *acurast__lws_context(struct lws_context_creation_info *info);

/* A vhost, made with nobody else making one. NULL without memory. The loop's thread. */
struct lws_vhost *acurast__lws_vhost(struct lws_context *context, const struct lws_context_creation_info *info);

/* To be called before the first use of TLS by any context; false where it cannot be had. Any thread. */
bool acurast__lws_tls_ready(void);

/*
 * On libuv versions up to 4.1 close the descriptor of their wake-up pipe as the context is destroyed, and its number once more when libuv
 * has closed the handle: it may be somebody else's by then. To be called in between, with the connection that stands for the pipe.
 */
void acurast__lws_forget_descriptor(struct lws *pipe);

#endif
