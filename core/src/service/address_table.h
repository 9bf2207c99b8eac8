/*
 * What each address may do: how many connections it has, and how many it may open in a second. One table for all loops,
 * behind a lock; touched once when a connection comes and once when it goes. Addresses are grouped as net/address.h says.
 *
 * An address without connections is forgotten after two seconds, when its bucket of handshakes is full again.
 */
#ifndef ACURAST_SERVICE_ADDRESS_TABLE_H
#define ACURAST_SERVICE_ADDRESS_TABLE_H

#include "base/idmap.h"
#include "base/list.h"
#include "net/address.h"

#include <pthread.h>

/*
 * The networks of an IPv6 address have limits of their own: one of 56 bits has four times what an address has, one of 48 bits sixteen
 * times. So whoever has a whole network is not a million addresses.
 */
typedef struct acurast__address_limits {
    uint64_t connections;    /* from one address; 0: no limit */
    uint64_t handshakes;     /* a second, twice that in a burst; loopback is exempt; 0: no limit */
    bool loopback_connections; /* `connections` holds for loopback too */
} acurast__address_limits;

typedef struct acurast__address_table {
    pthread_mutex_t lock;
    acurast__address_limits limits;
    acurast__idmap map;
    acurast__list idle; /* addresses without connections, the one that left first at its head */
} acurast__address_table;

typedef enum acurast__address_verdict {
    ACURAST__ADDRESS_ADMITTED,
    ACURAST__ADDRESS_CONNECTIONS, /* it has as many as it may */
    ACURAST__ADDRESS_HANDSHAKES,  /* too many in this second */
    ACURAST__ADDRESS_NO_MEMORY
} acurast__address_verdict;

void acurast__address_table_init(acurast__address_table *table, const acurast__address_limits *limits);
void acurast__address_table_clear(acurast__address_table *table);

/* Counts a connection from `address`. Every ADMITTED one is given back by acurast__address_table_leave(). Any thread. */
acurast__address_verdict acurast__address_table_enter(acurast__address_table *table, const acurast__address *address,
                                                      uint64_t now);
void acurast__address_table_leave(acurast__address_table *table, const acurast__address *address, uint64_t now);

/* Forgets whoever may be forgotten; to be called about once a second. Any thread. */
void acurast__address_table_sweep(acurast__address_table *table, uint64_t now);

#endif
