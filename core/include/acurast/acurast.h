/*
 * libacurast: the Acurast websocket protocol in one library.
 *
 * Include this header, or the one of the noun that you need:
 *
 *   version.h    what this library is
 *   status.h     what every call that can fail returns
 *   options.h    the one table of settings, and objects that hold them
 *   identity.h   key pairs, ids, signatures
 *   context.h    the threads that do the work
 *   event.h      what happened: by callback, or by a queue with a descriptor
 *   client.h     a dApp or a processor: connect, send, receive
 *   request.h    requests and answers: JSON-RPC 2.0, MessagePack-RPC
 *   service.h    the websocket service, embedded or on its own
 *
 * Rules that hold for all of them:
 *
 * Threads    Every function may be called from any thread, and from within a
 *            callback, unless its comment says otherwise. No call waits, but
 *            those that take a timeout.
 * Ownership  What `..._create`, `..._generate` and `..._from_...` hand out is the
 *            caller's, who gives it back with `..._release`, in any order. A
 *            release never blocks. Releasing NULL does nothing. A call that
 *            races the last release of its object is the caller's error.
 * Memory     Whatever is passed in is copied before the call returns.
 * fork       After fork() the child gets ACURAST_FORKED from every call on an
 *            object of its parent; a release there frees nothing that is shared.
 *
 * The contract in full is core/docs/threading.md.
 */
#ifndef ACURAST_ACURAST_H
#define ACURAST_ACURAST_H

#include <acurast/client.h>
#include <acurast/context.h>
#include <acurast/event.h>
#include <acurast/export.h>
#include <acurast/identity.h>
#include <acurast/options.h>
#include <acurast/request.h>
#include <acurast/service.h>
#include <acurast/status.h>
#include <acurast/version.h>

#endif
