/* What a service answers to plain HTTP: /, /healthz, /readyz, /metrics. */
#ifndef ACURAST_SERVICE_PAGE_H
#define ACURAST_SERVICE_PAGE_H

#include "net/listener.h"
#include "service/service.h"

/* For the listener's `page` handler; `door` is where the request came in. */
void acurast__page_answer(const acurast__door *door, const acurast__peer *peer, const acurast__request *request,
                          acurast__response_page *page);

#endif
