/*
 * Receipts and presence at one connection: tracked frames of its own, those that it is given, what it says of those that it got, whom it
 * looks for. protocol.md, "Receipts and presence". For plain payloads nothing here is called but where they wait among other frames.
 *
 * One that does not track gets payloads alone: a tracked frame loses its head where it is given to the websocket, not where it waits, and
 * has it back when it was not sent and is passed on to the next connection, or to the mailbox.
 */
#ifndef ACURAST_SERVICE_COURIER_H
#define ACURAST_SERVICE_COURIER_H

#include "service/connection.h"

/* Frames of an accepted client, as acurast__service_session_receive() judged them. */
void acurast__courier_relay(acurast__connection *connection, const uint8_t *recipient, const uint8_t *bytes,
                             size_t size);
void acurast__courier_receipt(acurast__connection *connection, const uint8_t *recipient, const uint8_t *bytes,
                               size_t size);
void acurast__courier_look(acurast__connection *connection, const acurast__items *look);

/* Gives `chain` (emptied) from the directory to the websocket. */
void acurast__courier_give(acurast__connection *connection, acurast__chain *chain);

/* The socket has taken something. */
void acurast__courier_written(acurast__connection *connection);

/* Takes back what the socket has not begun to take, as it came, without what is meant for this connection alone. */
void acurast__courier_take_unsent(acurast__connection *connection, acurast__chain *unsent);

/* It has ended, and is told nothing more. */
void acurast__courier_end(acurast__connection *connection);

/* Gives out what was noted, for a quarter of a millisecond at most; true where more is left. */
bool acurast__courier_tell(acurast__shard *shard);

#endif
