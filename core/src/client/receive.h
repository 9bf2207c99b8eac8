/*
 * The client as a recipient of tracked payloads: each is given to the program once and in order, and its sender is told when the program
 * has had it: its callback has returned, or the batch that held it was given back to the queue.
 */
#ifndef ACURAST_CLIENT_RECEIVE_H
#define ACURAST_CLIENT_RECEIVE_H

#include "base/inbox.h"
#include "client/heard.h"

#include <acurast/client.h>

typedef struct acurast__receiver {
    acurast__heard heard;
    acurast__task tell; /* at the end of a turn, so that one frame tells what the turn has brought */
    bool tell_posted;
    acurast__list given; /* payloads that were given back to the queue; under the client's lock */
} acurast__receiver;

void acurast__receive_init(acurast_client *client);

/* On the client's loop. False without memory for the payload: it is as if it had not come. */
bool acurast__receive_tracked(acurast_client *client, const acurast__frame *frame);

/* Takes in what was given back; `given` was the receiver's list. On the client's loop, or where it will run no more. */
void acurast__receive_given(acurast_client *client, acurast__list *given);

/* Tells what is to be told, as far as the connection takes it. On the client's loop. */
void acurast__receive_tell(acurast_client *client);

#endif
