/*
 * One request to many: when enough have answered, and what each said.
 *
 * `need` results end it; with `agree`, `need` results that are equal (rpc/canonical.h). Errors, failures and results that are too large
 * are answers that are no results. It ends as well, at once, when what is still open cannot make up what is missing.
 *
 *   OPEN -> DONE | IMPOSSIBLE; what comes afterwards changes nothing
 *
 * It knows nothing of calls: the caller keeps which call belongs to which of the asked, and cancels the rest at the end. Not thread-safe.
 */
#ifndef ACURAST_RPC_MANY_H
#define ACURAST_RPC_MANY_H

#include "rpc/message.h"

#define ACURAST__MANY_MAX 1024 /* who can be asked at once; as ACURAST_REQUEST_MANY_MAX */

typedef struct acurast__many acurast__many;

typedef enum acurast__many_state {
    ACURAST__MANY_OPEN,
    ACURAST__MANY_DONE,
    ACURAST__MANY_IMPOSSIBLE
} acurast__many_state;

typedef enum acurast__many_said {
    ACURAST__MANY_NOTHING, /* yet */
    ACURAST__MANY_RESULT,
    ACURAST__MANY_ERROR,    /* `raw` is the error */
    ACURAST__MANY_TOO_MUCH, /* a result or an error for which there is no room; `raw` is empty */
    ACURAST__MANY_FAILED    /* no answer: `status` says why */
} acurast__many_said;

typedef struct acurast__many_answer {
    acurast__many_said said;
    acurast_status status; /* FAILED */
    acurast__raw raw;      /* lives as long as the object */
} acurast__many_answer;

typedef struct acurast__many_params {
    acurast__rpc_encoding encoding;
    uint32_t count; /* asked: 1 to ACURAST__MANY_MAX */
    uint32_t need;  /* 1 to count */
    bool agree;
    size_t answer_max; /* bytes of one answer that are kept */
    size_t total_max;  /* of all together; with agree, their canonical forms count as well */
} acurast__many_params;

/* NULL without memory, or for params that make no sense. */
acurast__many *acurast__many_create(const acurast__many_params *params);
void acurast__many_destroy(acurast__many *many);

/*
 * What one of the asked said; once for each, and nothing after the end. NO_MEMORY: it counts as FAILED with that status. INVALID: he said
 * something before, or it has ended.
 */
acurast_status acurast__many_answered(acurast__many *many, uint32_t index, acurast__rpc_kind kind, acurast__raw raw);
acurast_status acurast__many_failed(acurast__many *many, uint32_t index, acurast_status status);

acurast__many_state acurast__many_state_of(const acurast__many *many);

const acurast__many_answer *acurast__many_answer_at(const acurast__many *many, uint32_t index);

/*
 * Which results are equal: those of the same number. The largest group has the number 1, and of several as large the one that was so first:
 * once DONE it is what they agree on. Without agree every result has it. 0: no result.
 */
uint32_t acurast__many_group(const acurast__many *many, uint32_t index);

#endif
