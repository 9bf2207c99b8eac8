/*
 * Requests as a program writes them by hand that has the client and a parser of JSON: numbers for ids, a table of what is open, and a look
 * into each payload that comes. It keeps no deadlines, which the library does.
 */
#ifndef BENCH_BY_HAND_H
#define BENCH_BY_HAND_H

#include <acurast/acurast.h>
#include <stdbool.h>

/* `said` is what the result's member "price" was written as. Runs on the I/O thread. */
typedef void (*by_hand_answered)(uint64_t token, const uint8_t *sender, const char *said);

/* The payload handler of a client that asks. All clients of a process share one table. */
void by_hand_event(void *user, const acurast_event_view *event);

/* Asks for `method`; `params` is JSON. False where it could not be sent, or too many requests are open. */
bool by_hand_ask(acurast_client *client, const uint8_t *recipient, const char *method, const char *params,
                 by_hand_answered answered, uint64_t token);

#endif
