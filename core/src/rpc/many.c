/*
 * Answers are copied as they come, within the bounds. With agree, each group of equal results keeps the form by which the next is
 * compared; there are at most as many as answers.
 */
#include "rpc/many.h"

#include "base/memory.h"
#include "rpc/canonical.h"

typedef struct group {
    acurast__buffer form;
    uint32_t size;
} group;

typedef struct said {
    acurast__many_answer answer;
    uint32_t group; /* with agree, of a result */
} said;

struct acurast__many {
    acurast__many_params params;
    acurast__many_state state;
    uint32_t open; /* of whom nothing was heard */
    uint32_t results;
    uint32_t largest; /* size of the largest group */
    uint32_t leader;  /* which one that is */
    uint32_t group_count;
    size_t used; /* bytes of answers and forms */
    group *groups;
    said said[];
};

acurast__many *acurast__many_create(const acurast__many_params *params)
{
    if (!params->count || params->count > ACURAST__MANY_MAX || !params->need || params->need > params->count)
        return NULL;
    acurast__many *many = acurast__alloc_zero(sizeof *many + params->count * sizeof *many->said);
    group *groups = params->agree ? acurast__alloc_zero(params->count * sizeof *groups) : NULL;
    if (!many || (params->agree && !groups)) {
        acurast__free(many);
        acurast__free(groups);
        return NULL;
    }
    many->params = *params;
    many->open = params->count;
    many->groups = groups;
    return many;
}

void acurast__many_destroy(acurast__many *many)
{
    if (!many)
        return;
    for (uint32_t i = 0; i < many->params.count; i++)
        acurast__free((void *)(uintptr_t)many->said[i].answer.raw.bytes);
    for (uint32_t i = 0; i < many->group_count; i++)
        acurast__buffer_clear(&many->groups[i].form);
    acurast__free(many->groups);
    acurast__free(many);
}

/* Whether the end was reached, and which. */
static void decide(acurast__many *many)
{
    uint32_t have = many->params.agree ? many->largest : many->results;
    if (have >= many->params.need)
        many->state = ACURAST__MANY_DONE;
    else if (have + many->open < many->params.need)
        many->state = ACURAST__MANY_IMPOSSIBLE;
}

static bool equal(const acurast__buffer *a, const acurast__buffer *b)
{
    return a->size == b->size && (a->size == 0 || memcmp(a->bytes, b->bytes, a->size) == 0);
}

/* Takes the form over, or clears it where there is such a group already. */
static void join(acurast__many *many, uint32_t index, acurast__buffer *form)
{
    uint32_t at = 0;
    while (at < many->group_count && !equal(&many->groups[at].form, form))
        at++;
    group *g = &many->groups[at];
    if (at == many->group_count) {
        many->group_count++;
        many->used += form->capacity;
        *g = (group){.form = *form};
    } else {
        acurast__buffer_clear(form);
    }
    many->said[index].group = at;
    g->size++;
    if (g->size > many->largest) {
        many->largest = g->size;
        many->leader = at;
    }
}

/* INVALID: not what the encoding says. */
static acurast_status agree(acurast__many *many, uint32_t index, acurast__raw raw)
{
    acurast__buffer form = {0};
    acurast_status status = acurast__canonical(&form, many->params.encoding, raw);
    if (status == ACURAST_OK && form.capacity > many->params.total_max - many->used)
        status = ACURAST_TOO_LARGE;
    if (status == ACURAST_OK)
        join(many, index, &form);
    else
        acurast__buffer_clear(&form);
    return status;
}

static acurast_status keep(acurast__many *many, uint32_t index, acurast__rpc_kind kind, acurast__raw raw)
{
    acurast__many_answer *answer = &many->said[index].answer;
    if (raw.size > many->params.answer_max || raw.size > many->params.total_max - many->used)
        return ACURAST_TOO_LARGE;
    uint8_t *copy = acurast__copy(raw.bytes, raw.size);
    if (!copy)
        return ACURAST_NO_MEMORY;
    many->used += raw.size;
    acurast_status status = ACURAST_OK;
    if (kind == ACURAST__RPC_RESULT && many->params.agree)
        status = agree(many, index, raw);
    if (status != ACURAST_OK) {
        many->used -= raw.size;
        acurast__free(copy);
        return status;
    }
    answer->raw = (acurast__raw){copy, raw.size};
    answer->said = kind == ACURAST__RPC_RESULT ? ACURAST__MANY_RESULT : ACURAST__MANY_ERROR;
    many->results += kind == ACURAST__RPC_RESULT;
    return ACURAST_OK;
}

static bool expected(const acurast__many *many, uint32_t index)
{
    return many->state == ACURAST__MANY_OPEN && index < many->params.count &&
           many->said[index].answer.said == ACURAST__MANY_NOTHING;
}

acurast_status acurast__many_answered(acurast__many *many, uint32_t index, acurast__rpc_kind kind, acurast__raw raw)
{
    if (!expected(many, index) || (kind != ACURAST__RPC_RESULT && kind != ACURAST__RPC_ERROR))
        return ACURAST_INVALID;
    acurast_status status = keep(many, index, kind, raw);
    if (status == ACURAST_TOO_LARGE)
        many->said[index].answer.said = ACURAST__MANY_TOO_MUCH;
    else if (status != ACURAST_OK)
        many->said[index].answer = (acurast__many_answer){.said = ACURAST__MANY_FAILED, .status = status};
    many->open--;
    decide(many);
    return status == ACURAST_NO_MEMORY ? status : ACURAST_OK;
}

acurast_status acurast__many_failed(acurast__many *many, uint32_t index, acurast_status status)
{
    if (!expected(many, index))
        return ACURAST_INVALID;
    many->said[index].answer = (acurast__many_answer){.said = ACURAST__MANY_FAILED, .status = status};
    many->open--;
    decide(many);
    return ACURAST_OK;
}

acurast__many_state acurast__many_state_of(const acurast__many *many)
{
    return many->state;
}

const acurast__many_answer *acurast__many_answer_at(const acurast__many *many, uint32_t index)
{
    return index < many->params.count ? &many->said[index].answer : NULL;
}

uint32_t acurast__many_group(const acurast__many *many, uint32_t index)
{
    if (index >= many->params.count || many->said[index].answer.said != ACURAST__MANY_RESULT)
        return 0;
    uint32_t at = many->said[index].group;
    return at == many->leader ? 1 : at < many->leader ? at + 2 : at + 1;
}
