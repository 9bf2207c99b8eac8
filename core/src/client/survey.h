/*
 * One request to many: the operations that ask, what came of each, and the one outcome.
 *
 *   OPEN -> TOLD -> over
 *
 * OPEN: each operation that is over is counted by rpc/many.h. TOLD: enough is known, or it was cancelled; the outcome is out, and the rest of
 * its operations is to be cancelled, which waits for the loop's next turn, since any of them may be in somebody's hands now. Over: none of
 * them is left, and it frees itself.
 *
 * It is made on any thread, and belongs to the client's loop once it is handed in.
 */
#ifndef ACURAST_CLIENT_SURVEY_H
#define ACURAST_CLIENT_SURVEY_H

#include "client/requests.h"
#include "rpc/many.h"

typedef struct acurast__survey_part {
    acurast__operation *operation; /* NULL: it is over */
    uint8_t id[16];                /* who is asked */
    int64_t code;                  /* of the error that was answered */
    uint32_t heard;                /* as how many-th */
} acurast__survey_part;

struct acurast__survey {
    acurast__list link; /* in `surveys` of the client, then in `told` */
    acurast__operation *outcome; /* NULL once it is told */
    acurast__many *many;
    uint32_t count;
    uint32_t open;  /* operations that are not over */
    uint32_t heard; /* while it was open */
    acurast__survey_part parts[];
};

typedef struct acurast__survey_params {
    acurast__question question;
    uint64_t token;
    uint32_t need;
    bool agree;
} acurast__survey_params;

/* As acurast_client_request_many(); arguments are checked but for ids that are there twice. Any thread. */
acurast_status acurast__client_request_many(acurast_client *client, const uint8_t *ids, uint32_t count,
                                            const acurast__survey_params *params, uint64_t *operation);

/* A part is over, and belongs to this function. On the client's loop. */
void acurast__survey_over(acurast_client *client, acurast__operation *operation, acurast_status status);

/* Ends the one of that number with CANCELLED; false where there is none. On the client's loop. */
bool acurast__survey_cancel(acurast_client *client, uint64_t number);

/* Cancels what is left of those that are told. On the client's loop, with no operation in hand. */
void acurast__survey_clean(acurast_client *client);

#endif
