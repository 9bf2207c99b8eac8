/* The end of the certificate's time, and that the operator hears of it before. */
#ifndef ACURAST_SERVICE_EXPIRY_H
#define ACURAST_SERVICE_EXPIRY_H

#include "net/certificate.h"

#include <stdatomic.h>
#include <stdbool.h>

/* From so many days before on it is a warning, and one each day. */
#define ACURAST__EXPIRY_DAYS 14

typedef struct acurast_service acurast_service;

typedef struct acurast__expiry {
    _Atomic int64_t not_after; /* as in acurast__certificate_facts; 0: there is no certificate */
    int64_t next;              /* when it is looked at again, in seconds since 1970 */
    acurast__certificate_facts facts;
} acurast__expiry;

/* A certificate has come into use. On the service's home loop. */
void acurast__expiry_begin(acurast_service *service, const acurast__certificate_facts *facts);

/* To be called now and then, on that loop. */
void acurast__expiry_look(acurast_service *service);

#endif
