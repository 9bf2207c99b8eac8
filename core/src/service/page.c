/*
 * The figures are the operator's: on the admin listener, or, where there is none, on a listener that is bound to loopback and then
 * only for requests in which nothing hints at a proxy.
 *
 * A page of a stranger in a browser on this machine reaches a loopback address by a name of the stranger's that leads there. The Host header
 * gives it away.
 */
#include "service/page.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>

static void answer(acurast__response_page *page, unsigned status, const char *text)
{
    page->status = status;
    page->content_type = "text/plain; charset=utf-8";
    page->body = acurast__copy_text(text);
    page->body_size = page->body ? strlen(text) : 0;
}

static void answer_metrics(acurast_service *service, acurast__response_page *page)
{
    page->body = acurast__service_metrics(service, &page->body_size);
    page->status = page->body ? 200 : 503;
    page->content_type = "text/plain; version=0.0.4; charset=utf-8";
}

/* A loop that hangs answers nothing; another one tells of it. */
static void answer_ready(const acurast_service *service, acurast__response_page *page)
{
    char text[64];
    unsigned thread;
    uint64_t stalled = acurast__service_stalled(service, &thread);
    if (!atomic_load_explicit(&service->ready, memory_order_acquire)) {
        answer(page, 503, "not ready\n");
    } else if (stalled >= ACURAST__STALL_MS) {
        snprintf(text, sizeof text, "not ready: thread %u has not turned for %" PRIu64 " s\n", thread, stalled / 1000);
        answer(page, 503, text);
    } else {
        answer(page, 200, "ready\n");
    }
}

/* A page of the operator's, if it is one. */
static bool answer_operator(acurast_service *service, const char *path, acurast__response_page *page)
{
    if (strcmp(path, "/healthz") == 0)
        answer(page, 200, "ok\n");
    else if (strcmp(path, "/readyz") == 0)
        answer_ready(service, page);
    else if (strcmp(path, "/metrics") == 0)
        answer_metrics(service, page);
    else
        return false;
    return true;
}

void acurast__page_answer(const acurast__door *door, const acurast__peer *peer, const acurast__request *request,
                          acurast__response_page *page)
{
    bool ours = door->pages && (peer->admin || !request->proxied);
    bool lured = door->loopback && !acurast__host_loopback(request->host);
    if (strcmp(request->path, "/") == 0)
        answer(page, 200, "This is an Acurast websocket service.\n");
    else if (ours && lured)
        answer(page, 421, "not for this host: ask for localhost\n");
    else if (!ours || !answer_operator(door->shard->service, request->path, page))
        answer(page, 404, "not found\n");
}
