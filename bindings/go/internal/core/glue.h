/* What makes one call of Go out of several of C, and passes ids and settings by value, so that Go need not keep them in its heap. */
#ifndef ACURAST_GO_GLUE_H
#define ACURAST_GO_GLUE_H

#include <acurast/acurast.h>

/* The operation; 0 where the payload was written within the call and no outcome follows; or a status below 0. Who asks for an
 * outcome is taken for one who waits for it. The payload is no void *: cgo looks for pointers around what goes in as that. */
int64_t acurast_go_send(acurast_client *client, uint64_t to_first, uint64_t to_second, const uint8_t *payload,
                        size_t size, uint64_t token, int no_outcome, uint32_t timeout_ms, uint32_t until,
                        int tell_kept);

/* The operation, or a status below 0. */
int64_t acurast_go_look(acurast_client *client, const uint8_t *ids, size_t count, uint64_t token, uint32_t timeout_ms);

/* The operation, or a status below 0. The method ends with a 0. */
int64_t acurast_go_request(acurast_client *client, uint64_t to_first, uint64_t to_second, const uint8_t *method,
                           const uint8_t *params, size_t size, uint64_t token, uint32_t timeout_ms, int retry,
                           int msgpack);

/* Likewise; `ids` has 16 bytes for each. */
int64_t acurast_go_request_many(acurast_client *client, const uint8_t *ids, size_t count, const uint8_t *method,
                                const uint8_t *params, size_t size, uint64_t token, uint32_t timeout_ms, int retry,
                                int msgpack, uint32_t need, int agree);

/* The calls of the same names, with bytes that are no void *; the message ends with a 0. */
acurast_status acurast_go_answer(acurast_client *client, uint64_t request, const uint8_t *result, size_t size);
acurast_status acurast_go_answer_error(acurast_client *client, uint64_t request, int64_t code, const uint8_t *message,
                                       const uint8_t *data, size_t size);
acurast_status acurast_go_progress(acurast_client *client, uint64_t request, const uint8_t *value, size_t size);

/* Does not wait. How many views were filled, 0 where nothing is there, or a status below 0. */
int64_t acurast_go_take(acurast_queue *queue, acurast_event_view *views, size_t max);

/* Does nothing: what a call from Go into C costs by itself. */
void acurast_go_nothing(void);

#endif
