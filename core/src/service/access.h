/*
 * Who may authenticate: an allow list and a deny list of ids, from options and files. Made once, never changed; a reload
 * makes another. Counted references, any thread.
 */
#ifndef ACURAST_SERVICE_ACCESS_H
#define ACURAST_SERVICE_ACCESS_H

#include "base/option.h"

typedef struct acurast__access acurast__access;

/*
 * Reads the options allow, deny, allow-file and deny-file. BAD_OPTION (the options then tell what and where) or NO_MEMORY. An
 * allow list that is given but empty admits nobody.
 */
acurast_status acurast__access_create(acurast_options *options, acurast__access **access);

acurast__access *acurast__access_retain(acurast__access *access);
void acurast__access_release(acurast__access *access);

/* Deny wins. */
bool acurast__access_permits(const acurast__access *access, const uint8_t id[16]);

#endif
