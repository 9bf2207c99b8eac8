/* By the calendar's clock, which may be set: so each look asks it. */
#include "service/expiry.h"

#include "service/service.h"

#include <inttypes.h>
#include <time.h>

#define DAY_SECONDS 86400

static void tell(acurast_service *service, int64_t now)
{
    const acurast__certificate_facts *facts = &service->expiry.facts;
    int64_t left = facts->not_after - now;
    if (left <= 0)
        acurast__service_log(service->shards, ACURAST_LOG_WARN, "what=certificate_expired serial=%s not_after=%" PRId64,
                             facts->serial, facts->not_after);
    else if (left < (int64_t)ACURAST__EXPIRY_DAYS * DAY_SECONDS)
        acurast__service_log(service->shards, ACURAST_LOG_WARN,
                             "what=certificate_ends_soon serial=%s not_after=%" PRId64 " days=%" PRId64, facts->serial,
                             facts->not_after, left / DAY_SECONDS);
}

void acurast__expiry_begin(acurast_service *service, const acurast__certificate_facts *facts)
{
    service->expiry.facts = *facts;
    service->expiry.next = 0;
    atomic_store_explicit(&service->expiry.not_after, facts->not_after, memory_order_relaxed);
    acurast__service_log(service->shards, ACURAST_LOG_INFO, "what=certificate serial=%s not_after=%" PRId64,
                         facts->serial, facts->not_after);
    acurast__expiry_look(service);
}

void acurast__expiry_look(acurast_service *service)
{
    acurast__expiry *expiry = &service->expiry;
    int64_t now = (int64_t)time(NULL);
    if (!expiry->facts.not_after || now < expiry->next)
        return;
    expiry->next = now + DAY_SECONDS;
    tell(service, now);
}
