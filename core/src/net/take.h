/* Takes an open connection over from libwebsockets, with its TLS. */
#ifndef ACURAST_NET_TAKE_H
#define ACURAST_NET_TAKE_H

#include "net/stream.h"

#include <libwebsockets.h>

/*
 * The connection is the stream's from now on, and libwebsockets' part in it ends with this turn, without a word to anybody. Within one of its
 * callbacks. False without memory or descriptors: then it is libwebsockets' as before.
 */
bool acurast__take(acurast__stream *stream, acurast__loop *loop, struct lws *wsi,
                   void (*ready)(acurast__stream *stream, bool readable, bool writable));

#endif
