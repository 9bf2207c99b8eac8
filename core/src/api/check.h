/* What every call on a client asks first. */
#ifndef ACURAST_API_CHECK_H
#define ACURAST_API_CHECK_H

#include "base/process.h"
#include "client/client.h"

static inline acurast_status acurast__check_client(const acurast_client *client)
{
    if (!client)
        return ACURAST_INVALID;
    return acurast__forked(client->generation) ? ACURAST_FORKED : ACURAST_OK;
}

#endif
