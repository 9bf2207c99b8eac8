/* The public face of the context, and of what is made for one: arguments and fork are checked here. */
#include "net/context.h"
#include "base/option.h"
#include "base/process.h"
#include "base/queue.h"

#include <acurast/acurast.h>

acurast_status acurast_context_create(const acurast_options *options, acurast_context **context)
{
    acurast_options *defaults = NULL;
    if (!context || (options && acurast__options_scope(options) != ACURAST_SCOPE_CONTEXT))
        return ACURAST_INVALID;
    acurast_status status = options ? ACURAST_OK : acurast_options_create(ACURAST_SCOPE_CONTEXT, &defaults);
    if (status == ACURAST_OK)
        status = acurast__context_create(options ? options : defaults, context);
    acurast_options_release(defaults);
    return status;
}

acurast_status acurast_context_close(acurast_context *context)
{
    if (!context)
        return ACURAST_INVALID;
    return acurast__context_forked(context) ? ACURAST_FORKED : acurast__context_close(context);
}

acurast_status acurast_context_wait(acurast_context *context, int timeout_ms)
{
    if (!context)
        return ACURAST_INVALID;
    if (acurast__context_forked(context))
        return ACURAST_FORKED;
    return acurast__on_io_thread() ? ACURAST_WOULD_DEADLOCK : acurast__context_wait(context, timeout_ms);
}

void acurast_context_release(acurast_context *context)
{
    if (context && !acurast__context_forked(context))
        acurast__context_abandon(context);
}

acurast_status acurast_queue_create(acurast_context *context, size_t max_events, size_t max_bytes,
                                    acurast_queue **queue)
{
    if (!queue)
        return ACURAST_INVALID;
    *queue = NULL;
    if (!context)
        return ACURAST_INVALID;
    return acurast__context_forked(context) ? ACURAST_FORKED : acurast__queue_create(max_events, max_bytes, queue);
}
