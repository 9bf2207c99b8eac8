/* Takes a connection over from libwebsockets, with its TLS, before anything was said by HTTP. */
#ifndef ACURAST_NET_TAKE_H
#define ACURAST_NET_TAKE_H

#include "net/stream.h"

#include <libwebsockets.h>

/*
 * Within LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER, which then returns -1: the connection is the stream's, and libwebsockets forgets what it had of it,
 * without a word to anybody. False without memory or descriptors: then libwebsockets closes it.
 */
bool acurast__take(acurast__stream *stream, acurast__loop *loop, struct lws *wsi,
                   void (*ready)(acurast__stream *stream, bool readable, bool writable));

#endif
