#include "by_hand.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_tree.h>

enum {
    MOST_OPEN = 1024,
    LONGEST = 1024,
};

typedef struct open_request {
    long long number; /* 0: the place is free */
    uint8_t recipient[ACURAST_ID_SIZE];
    by_hand_answered answered;
    uint64_t token;
} open_request;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static open_request table[MOST_OPEN]; /* by the number's rest */
static long long last;

/* The request of this number, which was sent to whom answers. It is over then. */
static bool take(long long number, const uint8_t *sender, open_request *request)
{
    if (number < 1)
        return false;
    open_request *place = &table[number % MOST_OPEN];
    pthread_mutex_lock(&lock);
    bool found = place->number == number && memcmp(place->recipient, sender, ACURAST_ID_SIZE) == 0;
    if (found) {
        *request = *place;
        place->number = 0;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

void by_hand_event(void *user, const acurast_event_view *event)
{
    (void)user;
    static const char *id_path[] = {"id", NULL}, *price_path[] = {"result", "price", NULL};
    char text[LONGEST];
    open_request request;
    if (event->type != ACURAST_EVENT_PAYLOAD || event->payload_size >= sizeof text)
        return;
    memcpy(text, event->payload, event->payload_size);
    text[event->payload_size] = '\0';
    yajl_val answer = yajl_tree_parse(text, NULL, 0);
    yajl_val id = yajl_tree_get(answer, id_path, yajl_t_number);
    yajl_val price = yajl_tree_get(answer, price_path, yajl_t_number);
    if (YAJL_IS_INTEGER(id) && price && take(YAJL_GET_INTEGER(id), event->sender, &request))
        request.answered(request.token, event->sender, YAJL_GET_NUMBER(price));
    yajl_tree_free(answer);
}

bool by_hand_ask(acurast_client *client, const uint8_t *recipient, const char *method, const char *params,
                 by_hand_answered answered, uint64_t token)
{
    static const acurast_send_params settings = {.size = sizeof settings, .no_outcome = 1};
    char text[LONGEST];
    pthread_mutex_lock(&lock);
    long long number = ++last;
    open_request *place = &table[number % MOST_OPEN];
    bool free_place = place->number == 0;
    if (free_place) {
        *place = (open_request){.number = number, .answered = answered, .token = token};
        memcpy(place->recipient, recipient, ACURAST_ID_SIZE);
    }
    pthread_mutex_unlock(&lock);
    int size = snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":%lld,\"method\":\"%s\",\"params\":%s}", number,
                        method, params);
    return free_place && size > 0 && (size_t)size < sizeof text &&
           acurast_client_send(client, recipient, ACURAST_ID_SIZE, text, (size_t)size, &settings, NULL) == ACURAST_OK;
}
