/* The one protocol that all our vhosts have, and the one callback behind it. */
#ifndef ACURAST_NET_CALLBACK_H
#define ACURAST_NET_CALLBACK_H

#include <libwebsockets.h>

#define ACURAST__PROTOCOL_NAME "acurast"

extern const struct lws_protocols acurast__protocols[];

#endif
