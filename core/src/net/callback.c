/* libwebsockets knows clients that connect, and nobody else: its opaque pointer of a connection is the websocket that is to be. */
#include "net/callback.h"

#include "net/ws_internal.h"

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
    (void)user;
    switch (reason) { /* others come with a stand-in for a connection */
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
    case LWS_CALLBACK_WSI_DESTROY: {
        acurast__ws *ws = lws_get_opaque_user_data(wsi);
        return ws ? acurast__ws_connect_event(ws, wsi, reason, in, size) : 0;
    }
    default:
        return 0;
    }
}

const struct lws_protocols acurast__protocols[] = {
    {.name = ACURAST__PROTOCOL_NAME, .callback = on_event},
    {.name = NULL},
};
