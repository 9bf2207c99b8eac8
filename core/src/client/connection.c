/*
 * One attempt. Two deadlines beside those of the websocket itself: the handshake's,
 * which stands still while we work on the service's puzzle, and the goodbye's.
 *
 * The proof of work runs on a worker's thread and may outlive the connection, so it
 * holds copies of all it needs; a connection that ends cancels and disowns it.
 *
 * When we end the connection ourselves, `verdict` keeps why: what the websocket then says of
 * its end is only an echo.
 */
#include "client/connection.h"

#include "base/memory.h"
#include "crypto/work.h"
#include "net/worker.h"

#include <string.h>

/* Difficulty, challenge and the service's extension block: they pass however small the payloads are to be. */
#define CHALLENGE_MAX_SIZE (32 + (size_t)ACURAST__EXTENSION_MAX_SIZE)
/* A frame of receipts, the largest of those that tell something. */
#define RECEIPTS_MAX_SIZE ((size_t)16 * 1024)
#define GOODBYE_MS 1000u
#define CLOSE_NORMAL 1000u
/* A solution takes more than 32 times the expected hashes once in 10^13 puzzles. */
#define WORK_MARGIN UINT64_C(32)
/* So many hashes take microseconds: not worth another thread. */
#define QUICK_WORK UINT64_C(64)

struct work {
    acurast__job job;
    acurast__connection *connection; /* NULL once disowned; the loop's thread only */
    uint64_t most;
    bool ran;
    bool solved;
    uint8_t nonce[16];
    uint8_t challenge[16];
    uint8_t public_key[33];
    uint8_t difficulty[16];
};

struct acurast__connection {
    acurast__loop *loop;
    acurast__ws *ws;
    acurast__client_session session;
    acurast__timer timer; /* handshake, then goodbye */
    uint64_t handshake_left_ms;
    uint64_t handshake_since;
    struct work *work;
    bool leaving;
    acurast_status verdict;
    const char *verdict_reason;
    const acurast__connection_settings *settings;
    const acurast__connection_handlers *handlers;
    void *owner;
};

static void leave(acurast__connection *connection, acurast_status status, const char *reason)
{
    if (connection->leaving)
        return;
    connection->leaving = true;
    connection->verdict = status;
    connection->verdict_reason = reason;
}

void acurast__connection_abort(acurast__connection *connection, acurast_status status, const char *reason)
{
    leave(connection, status, reason);
    acurast__ws_abort(connection->ws);
}

/* The attempt failed for a reason that the service has no part in hearing but politeness. */
static void give_up(acurast__connection *connection, acurast_status status, const char *reason)
{
    leave(connection, status, reason);
    acurast__ws_close(connection->ws, CLOSE_NORMAL, "");
    acurast__loop_timer_start(connection->loop, &connection->timer, GOODBYE_MS);
}

void acurast__connection_close(acurast__connection *connection)
{
    give_up(connection, ACURAST_CLOSED, "closed by the caller");
}

static void on_timer(acurast__timer *timer)
{
    acurast__connection *connection = ACURAST__CONTAINER(timer, acurast__connection, timer);
    if (connection->session.stage <= ACURAST__CLIENT_GREETED)
        acurast__connection_abort(connection, ACURAST_UNRESPONSIVE, "no challenge came in time");
    else
        acurast__connection_abort(connection, ACURAST_UNRESPONSIVE, "the handshake was not accepted in time");
}

static void deadline_resume(acurast__connection *connection)
{
    connection->handshake_since = acurast__loop_now(connection->loop);
    acurast__loop_timer_start(connection->loop, &connection->timer, connection->handshake_left_ms);
}

static void deadline_suspend(acurast__connection *connection)
{
    uint64_t used = acurast__loop_now(connection->loop) - connection->handshake_since;
    acurast__loop_timer_stop(connection->loop, &connection->timer);
    connection->handshake_left_ms -= used < connection->handshake_left_ms ? used : connection->handshake_left_ms;
}

/* Where the service has closed meanwhile, it has said why: that is the reason to tell. */
static bool send_handshake(acurast__connection *connection, const uint8_t *bytes, size_t size)
{
    if (acurast__ws_send(connection->ws, bytes, size))
        return true;
    if (!acurast__ws_ending(connection->ws))
        acurast__connection_abort(connection, ACURAST_NO_MEMORY, "no memory for the handshake");
    return false;
}

static void on_open(void *owner, acurast__ws *ws)
{
    acurast__connection *connection = owner;
    uint8_t hello[ACURAST__HELLO_MAX_SIZE];
    (void)ws;
    if (connection->leaving)
        return;
    if (!send_handshake(connection, hello, acurast__client_session_hello(&connection->session, hello)))
        return;
    deadline_resume(connection);
    connection->handlers->authenticating(connection->owner);
}

static void respond(acurast__connection *connection, const uint8_t nonce[16])
{
    uint8_t response[ACURAST__RESPONSE_SIZE];
    acurast_status status = acurast__client_session_respond(&connection->session, nonce, response);
    if (status != ACURAST_OK)
        give_up(connection, status, "the challenge could not be signed");
    else
        (void)send_handshake(connection, response, sizeof response);
}

static void work_run(acurast__job *job)
{
    struct work *work = ACURAST__CONTAINER(job, struct work, job);
    work->ran = true;
    work->solved = acurast__work_solve(work->nonce, work->challenge, work->public_key, work->difficulty, work->most,
                                       &job->cancelled);
}

static void on_worked(acurast__connection *connection, const struct work *work)
{
    if (work->solved) {
        deadline_resume(connection);
        respond(connection, work->nonce);
    } else if (work->ran) {
        give_up(connection, ACURAST_WORK_TOO_HARD, "no solution was found");
    } else {
        give_up(connection, ACURAST_SYSTEM, "no thread for the proof of work");
    }
}

static void work_done(acurast__job *job)
{
    struct work *work = ACURAST__CONTAINER(job, struct work, job);
    acurast__connection *connection = work->connection;
    if (connection) {
        connection->work = NULL;
        if (!connection->leaving)
            on_worked(connection, work);
    }
    acurast__free(work);
}

static void work_submit(acurast__connection *connection, uint64_t cost)
{
    const acurast__client_session *session = &connection->session;
    struct work *work = acurast__alloc_zero(sizeof *work);
    if (!work) {
        give_up(connection, ACURAST_NO_MEMORY, "no memory for the proof of work");
        return;
    }
    work->connection = connection;
    work->most = cost > UINT64_MAX / WORK_MARGIN ? UINT64_MAX : cost * WORK_MARGIN;
    memcpy(work->challenge, session->challenge, sizeof work->challenge);
    memcpy(work->public_key, session->public_key, sizeof work->public_key);
    memcpy(work->difficulty, session->difficulty, sizeof work->difficulty);
    work->job.work = work_run;
    work->job.done = work_done;
    atomic_init(&work->job.cancelled, false);
    deadline_suspend(connection);
    connection->work = work;
    acurast__worker_submit(connection->loop, &work->job);
}

static void work_disown(acurast__connection *connection)
{
    if (!connection->work)
        return;
    atomic_store(&connection->work->job.cancelled, true);
    connection->work->connection = NULL;
    connection->work = NULL;
}

static void work_here(acurast__connection *connection)
{
    const acurast__client_session *session = &connection->session;
    atomic_bool cancel = false;
    uint8_t nonce[16];
    if (acurast__work_solve(nonce, session->challenge, session->public_key, session->difficulty,
                            QUICK_WORK * WORK_MARGIN, &cancel))
        respond(connection, nonce);
    else
        give_up(connection, ACURAST_WORK_TOO_HARD, "no solution was found");
}

static void on_challenge(acurast__connection *connection)
{
    uint64_t cost = acurast__work_cost(connection->session.difficulty);
    if (cost > 1 && cost > connection->settings->max_work)
        give_up(connection, ACURAST_WORK_TOO_HARD, "the service asks for more proof of work than max-work allows");
    else if (cost <= QUICK_WORK)
        work_here(connection);
    else
        work_submit(connection, cost);
}

/* Receipts are read however small the payloads are to be. */
static size_t max_message(const acurast__connection *connection)
{
    size_t frame = connection->settings->max_payload + ACURAST__HEADER_SIZE;
    if (!acurast__connection_tracks(connection))
        return frame;
    return frame + ACURAST__TRACKED_HEAD_SIZE > RECEIPTS_MAX_SIZE ? frame + ACURAST__TRACKED_HEAD_SIZE
                                                                  : RECEIPTS_MAX_SIZE;
}

static void on_message(void *owner, acurast__ws *ws, const uint8_t *bytes, size_t size)
{
    acurast__connection *connection = owner;
    acurast__client_session *session = &connection->session;
    (void)ws;
    uint64_t ignored = session->ignored, stray = session->stray;
    acurast__frame frame;
    if (connection->leaving)
        return;
    switch (acurast__client_session_receive(session, bytes, size, &frame)) {
    case ACURAST__CLIENT_PAYLOAD:
        if (frame.body_size <= connection->settings->max_payload)
            connection->handlers->payload(connection->owner, &frame);
        else
            connection->handlers->skipped(connection->owner);
        break;
    case ACURAST__CLIENT_TRACKED:
        connection->handlers->tracked(connection->owner, &frame);
        break;
    case ACURAST__CLIENT_RECEIPT:
        connection->handlers->receipts(connection->owner, &frame);
        break;
    case ACURAST__CLIENT_GONE:
        connection->handlers->gone(connection->owner, &frame);
        break;
    case ACURAST__CLIENT_SEEN:
        connection->handlers->seen(connection->owner, &frame);
        break;
    case ACURAST__CLIENT_NOW_CHALLENGED:
        on_challenge(connection);
        break;
    case ACURAST__CLIENT_NOW_ACCEPTED:
        acurast__loop_timer_stop(connection->loop, &connection->timer);
        acurast__ws_set_max_message(connection->ws, max_message(connection));
        connection->handlers->accepted(connection->owner);
        break;
    case ACURAST__CLIENT_UNSUPPORTED:
        give_up(connection, ACURAST_UNSUPPORTED, "the service does not take Ed25519 identities");
        break;
    case ACURAST__CLIENT_NOTHING:
        connection->handlers->dropped(connection->owner, session->ignored - ignored, session->stray - stray);
        break;
    }
}

static void on_skipped(void *owner, acurast__ws *ws)
{
    acurast__connection *connection = owner;
    (void)ws;
    if (!connection->leaving)
        connection->handlers->skipped(connection->owner);
}

static void on_written(void *owner, acurast__ws *ws)
{
    acurast__connection *connection = owner;
    (void)ws;
    if (connection->session.stage == ACURAST__CLIENT_ACCEPTED)
        connection->handlers->written(connection->owner);
}

/* 1008 on an accepted connection is a rule of the service: the vendor's closes a connection that has sent nothing for ten minutes. */
static acurast_status status_of_code(uint16_t code, bool accepted)
{
    switch (code) {
    case 1001:
        return ACURAST_DRAINING;
    case 1002:
    case 1003:
        return ACURAST_PROTOCOL;
    case 1008:
        return accepted ? ACURAST_LOST : ACURAST_REFUSED;
    case 1009:
        return ACURAST_TOO_LARGE;
    case 4001:
        return ACURAST_REPLACED;
    case 4003:
        return ACURAST_DENIED;
    case 4004:
        return ACURAST_SLOW_READER;
    case 4005:
        return ACURAST_KEY_BUSY;
    default:
        return ACURAST_LOST;
    }
}

static void on_closed(void *owner, acurast__ws *ws, const acurast__ws_end *how)
{
    acurast__connection *connection = owner;
    acurast__connection_end end = {.accepted = connection->session.stage == ACURAST__CLIENT_ACCEPTED};
    (void)ws;
    if (connection->leaving) {
        end.status = connection->verdict;
        end.reason = connection->verdict_reason;
    } else {
        bool told = how->by_peer && how->code != 0;
        end.status = told                        ? status_of_code(how->code, end.accepted)
                     : how->status == ACURAST_OK ? ACURAST_LOST
                                                 : how->status;
        end.code = told ? how->code : 0;
        end.reason = how->reason;
    }
    work_disown(connection);
    acurast__loop_timer_stop(connection->loop, &connection->timer);
    connection->handlers->ended(connection->owner, &end);
    acurast__free(connection);
}

static const acurast__ws_handlers ws_handlers = {
    .open = on_open, .message = on_message, .skipped = on_skipped, .written = on_written, .closed = on_closed};

acurast__connection *acurast__connection_open(acurast__loop *loop, const acurast__target *target,
                                              const acurast__tls *tls, const acurast_identity *identity,
                                              const acurast__connection_settings *settings,
                                              const acurast__connection_handlers *handlers, void *owner)
{
    acurast__ws_target where = {.host = target->host,
                                .port = target->port,
                                .path = target->path,
                                .tls = target->secure ? tls : NULL,
                                .proxy = target->proxy,
                                .connect_timeout_ms = settings->connect_timeout_ms};
    size_t body = settings->max_payload < CHALLENGE_MAX_SIZE ? CHALLENGE_MAX_SIZE : settings->max_payload;
    acurast__ws_settings limits = {.max_message = ACURAST__HEADER_SIZE + body,
                                   .ping_interval_ms = settings->ping_interval_ms,
                                   .ping_timeout_ms = settings->ping_timeout_ms};
    acurast__connection *connection = acurast__alloc_zero(sizeof *connection);
    if (!connection)
        return NULL;
    connection->loop = loop;
    connection->settings = settings;
    connection->handlers = handlers;
    connection->owner = owner;
    connection->handshake_left_ms = settings->handshake_timeout_ms;
    acurast__timer_init(&connection->timer, on_timer);
    acurast__client_session_init(&connection->session, identity, target->name, settings->extensions);
    connection->session.max_frame = ACURAST__HEADER_SIZE + (uint64_t)settings->max_payload;
    connection->ws = acurast__ws_connect(loop, &where, &limits, &ws_handlers, connection);
    if (!connection->ws) {
        acurast__free(connection);
        return NULL;
    }
    return connection;
}

acurast__ws *acurast__connection_ws(acurast__connection *connection)
{
    return connection->ws;
}

size_t acurast__connection_max_frame(const acurast__connection *connection)
{
    uint64_t frame = connection->session.service.max_frame;
    return frame == 0 || frame > SIZE_MAX ? SIZE_MAX : (size_t)frame;
}

bool acurast__connection_tracks(const acurast__connection *connection)
{
    return connection->session.service.track != 0;
}

bool acurast__connection_presence(const acurast__connection *connection)
{
    return acurast__connection_tracks(connection) && connection->session.service.presence;
}
