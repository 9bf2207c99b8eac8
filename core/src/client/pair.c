/* A pair lives while it has an operation. */
#include "client/pair.h"

#include "base/memory.h"

#include <string.h>

acurast__pair *acurast__pair_find(const acurast__idmap *pairs, const uint8_t recipient[16])
{
    return acurast__idmap_get(pairs, recipient, acurast__id_hash(recipient));
}

static acurast__pair *create(acurast__idmap *pairs, const uint8_t recipient[16])
{
    acurast__pair *pair = acurast__alloc_zero(sizeof *pair);
    if (!pair || !acurast__idmap_put(pairs, recipient, acurast__id_hash(recipient), pair)) {
        acurast__free(pair);
        return NULL;
    }
    acurast__list_init(&pair->operations);
    memcpy(pair->recipient, recipient, sizeof pair->recipient);
    return pair;
}

bool acurast__pair_join(acurast__idmap *pairs, acurast__operation *operation)
{
    acurast__pair *pair = acurast__pair_find(pairs, operation->recipient);
    if (!pair)
        pair = create(pairs, operation->recipient);
    if (!pair)
        return false;
    operation->pair = pair;
    acurast__list_append(&pair->operations, &operation->in_pair);
    return true;
}

void acurast__pair_leave(acurast__idmap *pairs, acurast__operation *operation)
{
    acurast__pair *pair = operation->pair;
    if (!pair)
        return;
    operation->pair = NULL;
    acurast__list_remove(&operation->in_pair);
    if (!acurast__list_empty(&pair->operations))
        return;
    acurast__idmap_remove(pairs, pair->recipient, acurast__id_hash(pair->recipient));
    acurast__free(pair);
}

uint64_t acurast__pair_before(const acurast__operation *operation)
{
    const acurast__pair *pair = operation->pair;
    for (const acurast__list *at = operation->in_pair.prev; pair && at != &pair->operations; at = at->prev) {
        const acurast__operation *before = ACURAST__CONTAINER(at, acurast__operation, in_pair);
        if (!before->delivered && !before->plain)
            return before->number;
    }
    return 0;
}
