/*
 * Whom an event is for is told by libwebsockets' opaque pointer of the connection. Events that come without a connection
 * (with a stand-in for one) are not ours, but for the one that asks for a vhost's certificate.
 */
#include "net/callback.h"

#include "base/memory.h"
#include "net/listener_internal.h"
#include "net/ws_internal.h"

static int client_event(acurast__ws *ws, struct lws *wsi, enum lws_callback_reasons reason, void *in, size_t size)
{
    if (ws->connecting)
        return acurast__ws_connect_event(ws, wsi, reason, in, size);
    if (reason != LWS_CALLBACK_CLIENT_CLOSED && reason != LWS_CALLBACK_WSI_DESTROY) {
        acurast__ws_event(ws, reason, in, size);
        return 0;
    }
    lws_set_opaque_user_data(wsi, NULL);
    acurast__ws_ended(ws);
    acurast__free(ws);
    return 0;
}

static int owner_event(struct lws *wsi, enum lws_callback_reasons reason, void *in, size_t size)
{
    acurast__wsi_owner *owner = lws_get_opaque_user_data(wsi);
    if (!owner)
        return 0;
    switch (owner->kind) {
    case ACURAST__WSI_CLIENT:
        return client_event((acurast__ws *)owner, wsi, reason, in, size);
    case ACURAST__WSI_ACCEPTED:
        return acurast__accepted_event((acurast__accepted *)owner, wsi, reason, in, size);
    case ACURAST__WSI_LISTENING:
        return acurast__listening_event((acurast__listening *)owner, wsi, reason);
    case ACURAST__WSI_GREETING:
        return acurast__greeting_event((acurast__greeting *)owner, reason);
    }
    return 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
    switch (reason) {
    case LWS_CALLBACK_WSI_CREATE:
        ((acurast__loop *)lws_context_user(lws_get_context(wsi)))->created = true;
        return 0;
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        return acurast__listener_certify(user);
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
    case LWS_CALLBACK_RECEIVE_PONG:
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_HTTP:
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
    case LWS_CALLBACK_RAW_ADOPT:
    case LWS_CALLBACK_RAW_RX_FILE:
    case LWS_CALLBACK_WSI_DESTROY:
        return owner_event(wsi, reason, in, size);
    default:
        return 0;
    }
}

const struct lws_protocols acurast__protocols[] = {
    {.name = ACURAST__PROTOCOL_NAME, .callback = on_event, .rx_buffer_size = ACURAST__RECEIVE_SIZE},
    {.name = NULL},
};
