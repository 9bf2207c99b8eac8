/*
 * Everybody gets the same share of the room for answers, so that none of the asked can take that of another. The array of answers and their
 * bytes are one block, made where the outcome is told: the outcome's frame.
 */
#include "client/survey.h"

#include "base/clock.h"
#include "base/memory.h"
#include "client/client.h"

#include <string.h>

#define ANSWERS_BYTES ((size_t)16 * 1024 * 1024)
#define ANSWER_LEAST ((size_t)64 * 1024)

/* ---- making ---- */

static acurast__many *make_many(const acurast_client *client, uint32_t count, const acurast__survey_params *params)
{
    size_t most = client->settings.connection.max_payload, share = ANSWERS_BYTES / count;
    size_t each = share < ANSWER_LEAST ? ANSWER_LEAST : share;
    acurast__many_params settings = {.encoding = acurast__requests_encoding(params->question.encoding),
                                     .count = count,
                                     .need = params->need,
                                     .agree = params->agree,
                                     .answer_max = each < most ? each : most,
                                     .total_max = SIZE_MAX};
    return acurast__many_create(&settings);
}

/* Where nobody holds it any more. */
static void destroy(acurast__survey *survey)
{
    acurast__operation_free(survey->outcome);
    acurast__many_destroy(survey->many);
    acurast__free(survey);
}

static acurast__survey *create(acurast_client *client, uint32_t count, const acurast__survey_params *params)
{
    acurast__survey *survey = acurast__alloc_zero(sizeof *survey + count * sizeof *survey->parts);
    if (!survey)
        return NULL;
    acurast__list_init(&survey->link);
    survey->count = count;
    survey->outcome = acurast__operation_create_survey(client->id);
    survey->many = make_many(client, count, params);
    if (survey->outcome && survey->many) {
        survey->outcome->token = params->token;
        survey->outcome->outbox = &client->outbox;
        return survey;
    }
    destroy(survey);
    return NULL;
}

/* Of one that was not handed in. */
static void discard(acurast_client *client, acurast__survey *survey)
{
    for (uint32_t i = 0; i < survey->open; i++) {
        acurast__requests_forget(client, survey->parts[i].operation);
        acurast__operation_free(survey->parts[i].operation);
    }
    destroy(survey);
}

static acurast_status make_parts(acurast_client *client, acurast__survey *survey, const uint8_t *ids,
                                 const acurast__question *question, size_t *bytes)
{
    for (; survey->open < survey->count; survey->open++) {
        acurast__operation *made;
        const uint8_t *id = ids + (size_t)survey->open * ACURAST_ID_SIZE;
        acurast_status status = acurast__requests_make(client, question, id, &made);
        if (status != ACURAST_OK)
            return status;
        made->survey = survey;
        made->part = survey->open;
        made->deadline = acurast__clock_ms() + question->timeout_ms;
        survey->parts[survey->open].operation = made;
        memcpy(survey->parts[survey->open].id, id, ACURAST_ID_SIZE);
        *bytes += made->payload_size;
    }
    return ACURAST_OK;
}

/* Who is asked twice would have two votes. */
static bool all_different(const uint8_t *ids, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (memcmp(ids + (size_t)i * ACURAST_ID_SIZE, ids + (size_t)j * ACURAST_ID_SIZE, ACURAST_ID_SIZE) == 0)
                return false;
    return true;
}

static acurast_status check(acurast_client *client, const uint8_t *ids, uint32_t count,
                            const acurast__survey_params *params)
{
    if (!all_different(ids, count))
        return ACURAST_INVALID;
    acurast_status status = acurast__requests_check(client, &params->question);
    /* Room is told of where the outbox is half empty: more than that might never come. */
    if (status == ACURAST_OK && count + 1 > (client->settings.outbox_count + 1) / 2)
        status = ACURAST_TOO_LARGE;
    return status;
}

acurast_status acurast__client_request_many(acurast_client *client, const uint8_t *ids, uint32_t count,
                                            const acurast__survey_params *params, uint64_t *operation)
{
    size_t bytes = 0;
    acurast_status status = check(client, ids, count, params);
    if (status != ACURAST_OK)
        return status;
    acurast__survey *survey = create(client, count, params);
    if (!survey)
        return ACURAST_NO_MEMORY;
    status = make_parts(client, survey, ids, &params->question, &bytes);
    if (status == ACURAST_OK)
        status = acurast__client_reserve(client, (size_t)count + 1, bytes);
    if (status == ACURAST_OK)
        status = acurast__client_hand_in_survey(client, survey, bytes, operation);
    if (status != ACURAST_OK)
        discard(client, survey);
    return status;
}

/* ---- its end ---- */

static acurast_status status_of(const acurast__many_answer *answer, acurast_status rest)
{
    switch (answer->said) {
    case ACURAST__MANY_RESULT:
        return ACURAST_OK;
    case ACURAST__MANY_ERROR:
        return ACURAST_REMOTE_ERROR;
    case ACURAST__MANY_TOO_MUCH:
        return ACURAST_TOO_LARGE;
    case ACURAST__MANY_FAILED:
        return answer->status;
    case ACURAST__MANY_NOTHING:
        break;
    }
    return rest;
}

/* Copies an answer; returns the end of its bytes. */
static uint8_t *put_answer(const acurast__survey *survey, uint32_t part, acurast_status rest, acurast_answer *to,
                           uint8_t *bytes)
{
    const acurast__many_answer *from = acurast__many_answer_at(survey->many, part);
    *to = (acurast_answer){.code = survey->parts[part].code,
                           .status = status_of(from, rest),
                           .group = acurast__many_group(survey->many, part)};
    memcpy(to->id, survey->parts[part].id, sizeof to->id);
    if (!from->raw.size)
        return bytes;
    memcpy(bytes, from->raw.bytes, from->raw.size);
    to->data = bytes;
    to->size = from->raw.size;
    return bytes + from->raw.size;
}

/* Those that were heard, as they came, then the rest. */
static bool put_answers(const acurast__survey *survey, acurast_status rest)
{
    size_t size = survey->count * sizeof(acurast_answer), bytes = 0;
    uint32_t unheard = survey->heard;
    for (uint32_t i = 0; i < survey->count; i++)
        bytes += acurast__many_answer_at(survey->many, i)->raw.size;
    uint8_t *frame = acurast__alloc(size + bytes);
    if (!frame)
        return false;
    acurast_answer *answers = (acurast_answer *)(void *)frame;
    uint8_t *end = frame + size;
    for (uint32_t i = 0; i < survey->count; i++) {
        bool heard = acurast__many_answer_at(survey->many, i)->said != ACURAST__MANY_NOTHING;
        uint32_t at = heard ? survey->parts[i].heard : unheard++;
        end = put_answer(survey, i, rest, &answers[at], end);
    }
    survey->outcome->frame = frame;
    survey->outcome->frame_size = size;
    return true;
}

/* `rest` is what becomes of those that were not heard. */
static void tell(acurast_client *client, acurast__survey *survey, acurast_status status, acurast_status rest)
{
    acurast__operation *outcome = survey->outcome;
    outcome->answered = put_answers(survey, rest);
    survey->outcome = NULL;
    pthread_mutex_lock(&client->lock);
    acurast__list_remove(&survey->link);
    acurast__list_append(&client->requests.told, &survey->link);
    if (client->phase == ACURAST__CLIENT_RUNNING)
        acurast__client_wake_locked(client);
    pthread_mutex_unlock(&client->lock);
    acurast__client_report_outcome(&client->outbox, outcome, outcome->answered ? status : ACURAST_NO_MEMORY);
}

/* One part's end; where none is left, that of all. */
static void release(acurast__survey *survey)
{
    if (--survey->open)
        return;
    acurast__list_remove(&survey->link);
    destroy(survey);
}

static void count_answer(acurast__survey *survey, const acurast__operation *operation, acurast_status status)
{
    acurast__survey_part *part = &survey->parts[operation->part];
    acurast__raw raw = {operation->frame, operation->frame_size};
    part->heard = survey->heard++;
    part->code = operation->code;
    if (operation->answered)
        (void)acurast__many_answered(survey->many, operation->part,
                                     status == ACURAST_OK ? ACURAST__RPC_RESULT : ACURAST__RPC_ERROR, raw);
    else
        (void)acurast__many_failed(survey->many, operation->part, status);
}

void acurast__survey_over(acurast_client *client, acurast__operation *operation, acurast_status status)
{
    acurast__survey *survey = operation->survey;
    if (status == ACURAST_EXPIRED)
        status = ACURAST_TIMEOUT;
    survey->parts[operation->part].operation = NULL;
    if (survey->outcome) {
        bool all = status == ACURAST_TIMEOUT || status == ACURAST_CLOSED; /* and not this one alone */
        count_answer(survey, operation, status);
        acurast__many_state state = acurast__many_state_of(survey->many);
        if (state == ACURAST__MANY_DONE)
            tell(client, survey, ACURAST_OK, ACURAST_CANCELLED);
        else if (state == ACURAST__MANY_IMPOSSIBLE)
            tell(client, survey, status == ACURAST_CLOSED ? ACURAST_CLOSED : ACURAST_NOT_ENOUGH_ANSWERS,
                 all ? status : ACURAST_CANCELLED);
    }
    acurast__operation_free(operation);
    release(survey);
}

static acurast__survey *find(acurast_client *client, uint64_t number)
{
    acurast__survey *found = NULL;
    pthread_mutex_lock(&client->lock);
    for (acurast__list *at = client->requests.surveys.next; !found && at != &client->requests.surveys; at = at->next) {
        acurast__survey *survey = ACURAST__CONTAINER(at, acurast__survey, link);
        if (survey->outcome->number == number)
            found = survey;
    }
    pthread_mutex_unlock(&client->lock);
    return found;
}

bool acurast__survey_cancel(acurast_client *client, uint64_t number)
{
    acurast__survey *survey = find(client, number);
    if (survey)
        tell(client, survey, ACURAST_CANCELLED, ACURAST_CANCELLED);
    return survey;
}

static void cancel_parts(acurast_client *client, acurast__survey *survey)
{
    survey->open++; /* until all were looked at */
    for (uint32_t i = 0; i < survey->count; i++)
        if (survey->parts[i].operation)
            acurast__outbox_cancel(&client->outbox, survey->parts[i].operation->number);
    release(survey);
}

void acurast__survey_clean(acurast_client *client)
{
    acurast__list *told = &client->requests.told;
    while (!acurast__list_empty(told)) {
        acurast__survey *survey = ACURAST__CONTAINER(told->next, acurast__survey, link);
        acurast__list_remove(&survey->link);
        cancel_parts(client, survey);
    }
}
