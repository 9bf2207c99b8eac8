/*
 * The websocket service: accepts connections, authenticates them, relays payloads
 * between them. The program acurast-service is this behind a command line; a dApp's
 * tests start one in the process, on port 0, and need no network.
 *
 *   create -> start -> (drain by close) -> release
 *
 * What it promises and limits is in core/docs/service.md; every limit is an option
 * of scope SERVICE.
 */
#ifndef ACURAST_SERVICE_H
#define ACURAST_SERVICE_H

#include <acurast/context.h>
#include <acurast/event.h>
#include <acurast/export.h>
#include <acurast/options.h>
#include <acurast/status.h>

#include <stddef.h>
#include <stdint.h>

ACURAST_BEGIN

typedef struct acurast_service acurast_service;

/*
 * `options`: scope SERVICE, or NULL for the defaults. Does no I/O. The service runs on all threads of its context. Fails with INVALID,
 * BAD_OPTION (told by acurast_options_error(options)), NO_MEMORY or CLOSED (context).
 */
ACURAST_API acurast_status acurast_service_create(acurast_context *context, acurast_options *options,
                                                  acurast_service **service);

/* States and log lines by callback. Before start; BAD_STATE afterwards or if a delivery was chosen. */
ACURAST_API acurast_status acurast_service_set_callback(acurast_service *service, acurast_event_callback callback,
                                                        void *user, acurast_destructor destructor);

/* States and log lines by queue. Before start; BAD_STATE afterwards or if a delivery was chosen. */
ACURAST_API acurast_status acurast_service_set_queue(acurast_service *service, acurast_queue *queue, uint64_t source);

/*
 * Binds, listens and returns: after OK a client can connect. Fails with ADDRESS_IN_USE, NOT_PERMITTED, INVALID (no such address),
 * TLS (certificate or key), BAD_STATE, CLOSED, NO_MEMORY or SYSTEM; acurast_service_error() says more. It may be called again after a
 * failure. WOULD_DEADLOCK on an I/O thread: to take back a start that failed half-way it waits for the threads.
 */
ACURAST_API acurast_status acurast_service_start(acurast_service *service);

/* The first address as a URL, such as "ws://127.0.0.1:9001"; "" before start. Valid while the handle is held. */
ACURAST_API const char *acurast_service_url(const acurast_service *service);

/* The port of the first address; 0 before start. */
ACURAST_API uint16_t acurast_service_port(const acurast_service *service);

/* The URL of the admin listener, such as "http://127.0.0.1:9002"; "" without one or before start. */
ACURAST_API const char *acurast_service_admin_url(const acurast_service *service);

/* What was wrong with the last call that failed; "" if none did. Valid until the next call on this service. */
ACURAST_API const char *acurast_service_error(const acurast_service *service);

/*
 * Reads the certificate, the key and the lists again from their files. Connections stay, but those whose id is now denied. On failure
 * the old ones stay in force. Returns OK, TLS, BAD_OPTION, BAD_STATE or NO_MEMORY.
 *
 * Takes as long as the files do, and waits for a reload on another thread; the service goes on meanwhile. One that is closed before the files are read is
 * not changed any more: BAD_STATE.
 */
ACURAST_API acurast_status acurast_service_reload(acurast_service *service);

/*
 * The figures in Prometheus text, with a final NUL. `*size` as in acurast_options_get(); since figures move, ask again on TOO_SMALL.
 */
ACURAST_API acurast_status acurast_service_metrics(acurast_service *service, char *buffer, size_t *size);

/*
 * For a watchdog: how long the I/O thread that is furthest behind has not turned, in milliseconds, to the second; 0 while all turn, before
 * start and after the end. `*thread`, if not NULL, is its index among the context's threads: Linux shows it as acurast-io-INDEX. A
 * callback that does not return stalls its thread, too. After the whole process was stopped for a while, all are late until each has
 * turned once: ask again a second later before doing anything about it. Any thread; never waits.
 */
ACURAST_API uint64_t acurast_service_stalled(const acurast_service *service, unsigned *thread);

/*
 * Drains: stops accepting, tells every client (1001), lets what is queued go out, and ends within the option `drain-time`. CLOSED is
 * the last event. Asynchronous, idempotent, and legal in a callback.
 */
ACURAST_API acurast_status acurast_service_close(acurast_service *service);

/* Waits until the service is closed; does not close it. `timeout_ms` < 0 waits for ever. OK, TIMEOUT, WOULD_DEADLOCK or BAD_STATE. */
ACURAST_API acurast_status acurast_service_wait(acurast_service *service, int timeout_ms);

/* Gives the handle back; a service that was not closed is closed first. Never blocks. */
ACURAST_API void acurast_service_release(acurast_service *service);

ACURAST_END

#endif
