/*
 * Events become one call into JavaScript for each turn of the loop.
 *
 * An event is CELLS numbers in a Float64Array that both sides see:  type, slot of its source, and
 *
 *   PAYLOAD   size, its place in the scratch array or -1     extras: sender, and the payload where the place is -1
 *   OUTCOME   token, status; less than or equal to 0: the level that was reached, with a minus
 *   KEPT      token
 *   SEEN      token, status                                  extras: what was found, as the core writes it
 *   GONE      presence                                       extras: who
 *   REPLY     token, status                                  extras: code, result or error
 *   PROGRESS  token                                          extras: value
 *   ANSWERS   token, status                                  extras: an array of status, code, group, id, result or error, of each in turn
 *   REQUEST   token, operation                               extras: sender, method, params, encoding
 *   STATE     state, status                                  extras: text, close code, milliseconds until the next try
 *   WRITABLE
 *   LOG       level                                          extras: text
 *
 * An event of a type that is not among these is left out.
 *
 * Results, errors, values and params are text where they are JSON, bytes where they are MessagePack, and '' where there is none.
 *
 * What numbers cannot say stands in the array `extras`, in the order of the events. Small payloads travel through the scratch
 * array, from which JavaScript makes its copy: a buffer made from here costs more than copying twice.
 */
#include "addon.h"

#include <string.h>

typedef struct batch {
    environment *home;
    uint32_t count;
    uint32_t extras_count;
    napi_value extras;
    size_t scratch_used;
} batch;

static void add_extra(batch *self, napi_value value)
{
    napi_env env = self->home->env;
    if (!self->extras)
        napi_create_array(env, &self->extras);
    napi_set_element(env, self->extras, self->extras_count++, value);
}

static double place_payload(batch *self, const acurast_event_view *view)
{
    size_t at = self->scratch_used, size = view->payload_size;
    if (size > SMALL_PAYLOAD || size > SCRATCH_SIZE - at) {
        add_extra(self, from_bytes(self->home->env, view->payload, size));
        return -1;
    }
    memcpy(self->home->scratch + at, view->payload, size);
    self->scratch_used += size;
    return (double)at;
}

static napi_value from_encoded(napi_env env, const void *value, size_t size, uint32_t encoding)
{
    bool is_text = encoding == ACURAST_ENCODING_JSON || !size;
    return (is_text ? from_utf8 : from_bytes)(env, size ? value : "", size);
}

static void add_value(batch *self, const acurast_event_view *view, uint32_t encoding)
{
    add_extra(self, from_encoded(self->home->env, view->payload, view->payload_size, encoding));
}

/* Handles of the values live as long as their answer is being written down. */
static void add_answer(napi_env env, napi_value list, uint32_t at, const acurast_answer *answer, uint32_t encoding)
{
    napi_handle_scope scope = NULL;
    if (napi_open_handle_scope(env, &scope) != napi_ok)
        return;
    napi_set_element(env, list, at, from_number(env, answer->status));
    napi_set_element(env, list, at + 1, from_number(env, (double)answer->code));
    napi_set_element(env, list, at + 2, from_number(env, answer->group));
    napi_set_element(env, list, at + 3, from_hex(env, answer->id, ACURAST_ID_SIZE));
    napi_set_element(env, list, at + 4, from_encoded(env, answer->data, answer->data ? answer->size : 0, encoding));
    napi_close_handle_scope(env, scope);
}

static void add_answers(batch *self, const acurast_event_view *view)
{
    napi_env env = self->home->env;
    const acurast_answer *answers = (const void *)view->payload;
    uint32_t count = (uint32_t)(view->payload_size / sizeof *answers);
    napi_value list = NULL;
    napi_create_array(env, &list);
    for (uint32_t i = 0; i < count; i++)
        add_answer(env, list, 5 * i, &answers[i], request_encoding(view->token));
    add_extra(self, list);
}

/* Of the events of requests. */
static void add_request_event(batch *self, const acurast_event_view *view, double *cell)
{
    napi_env env = self->home->env;
    cell[2] = (uint32_t)view->token;
    if (view->type == ACURAST_EVENT_REPLY) {
        cell[3] = view->status;
        add_extra(self, from_number(env, (double)view->code));
        add_value(self, view, request_encoding(view->token));
    } else if (view->type == ACURAST_EVENT_ANSWERS) {
        cell[3] = view->status;
        add_answers(self, view);
    } else if (view->type == ACURAST_EVENT_PROGRESS) {
        add_value(self, view, view->encoding);
    } else {
        cell[3] = (double)view->operation;
        add_extra(self, from_hex(env, view->sender, ACURAST_ID_SIZE));
        add_extra(self, from_text(env, view->text));
        add_value(self, view, view->encoding);
        add_extra(self, from_number(env, view->encoding));
    }
}

static void add_event(batch *self, const acurast_event_view *view)
{
    napi_env env = self->home->env;
    double *cell = self->home->cells + (size_t)CELLS * self->count++;
    cell[0] = view->type;
    cell[1] = (double)view->source;
    switch (view->type) {
    case ACURAST_EVENT_PAYLOAD:
        add_extra(self, from_hex(env, view->sender, ACURAST_ID_SIZE));
        cell[2] = (double)view->payload_size;
        cell[3] = place_payload(self, view);
        break;
    case ACURAST_EVENT_OUTCOME:
        cell[2] = (double)view->token;
        cell[3] = view->status == ACURAST_OK ? -(double)view->reached : (double)view->status;
        break;
    case ACURAST_EVENT_KEPT:
        cell[2] = (double)view->token;
        break;
    case ACURAST_EVENT_SEEN:
        cell[2] = (double)view->token;
        cell[3] = view->status;
        add_extra(self, from_bytes(env, view->payload, view->payload_size));
        break;
    case ACURAST_EVENT_GONE:
        cell[2] = view->presence;
        add_extra(self, from_hex(env, view->sender, ACURAST_ID_SIZE));
        break;
    case ACURAST_EVENT_STATE:
        cell[2] = view->state;
        cell[3] = view->status;
        add_extra(self, from_text(env, view->text));
        add_extra(self, from_number(env, view->close_code));
        add_extra(self, from_number(env, (double)view->retry_ms));
        break;
    case ACURAST_EVENT_WRITABLE:
        break;
    case ACURAST_EVENT_LOG:
        cell[2] = view->level;
        add_extra(self, from_text(env, view->text));
        break;
    case ACURAST_EVENT_REPLY:
    case ACURAST_EVENT_ANSWERS:
    case ACURAST_EVENT_PROGRESS:
    case ACURAST_EVENT_REQUEST:
        add_request_event(self, view, cell);
        break;
    default:
        self->count--;
    }
}

static void take(batch *self, source *from)
{
    acurast_event_view *views = self->home->views;
    size_t count = 0;
    views[0].size = sizeof *views;
    if (acurast_queue_take(from->queue, views, BATCH - self->count, 0, &count) != ACURAST_OK)
        return;
    for (size_t i = 0; i < count; i++)
        add_event(self, &views[i]);
    acurast_queue_done(from->queue);
}

/* What a listener throws is dealt with in JavaScript; what comes out here is an error of ours, or the end of a worker. */
static void call(batch *self)
{
    napi_env env = self->home->env;
    napi_value function = NULL, error = NULL;
    napi_value values[2] = {from_number(env, self->count), self->extras ? self->extras : undefined(env)};
    napi_value receiver = NULL;
    if (napi_get_global(env, &receiver) != napi_ok ||
        napi_get_reference_value(env, self->home->dispatch, &function) != napi_ok)
        return;
    if (napi_make_callback(env, self->home->async, receiver, function, 2, values, NULL) == napi_pending_exception &&
        napi_get_and_clear_last_exception(env, &error) == napi_ok)
        napi_fatal_exception(env, error);
}

static source *next_ready(environment *home)
{
    source *first = home->ready;
    home->ready = first->next_ready;
    if (!home->ready)
        home->ready_end = &home->ready;
    first->is_ready = false;
    return first;
}

void environment_drain(uv_check_t *check)
{
    environment *home = check->data;
    batch collected = {.home = home};
    napi_handle_scope scope = NULL;
    if (!home->env || napi_open_handle_scope(home->env, &scope) != napi_ok)
        return;
    while (home->ready && collected.count < BATCH)
        take(&collected, next_ready(home));
    if (!home->ready)
        uv_check_stop(check);
    if (collected.count)
        call(&collected);
    if (home->env)
        napi_close_handle_scope(home->env, scope);
}
