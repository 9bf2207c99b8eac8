/* Names and texts of the statuses, from the one table in acurast/status.h. */
#include <acurast/status.h>

typedef struct status_row {
    acurast_status status;
    int retriable;
    const char *name;
    const char *text;
} status_row;

static const status_row rows[] = {
#define STATUS_ROW(name, code, retriable, text) {ACURAST_##name, retriable, #name, text},
    ACURAST_STATUS_MAP(STATUS_ROW)
#undef STATUS_ROW
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static const status_row *find(acurast_status status)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].status == status)
            return &rows[i];
    }
    return NULL;
}

const char *acurast_status_name(acurast_status status)
{
    const status_row *row = find(status);
    return row ? row->name : "UNKNOWN";
}

const char *acurast_status_text(acurast_status status)
{
    const status_row *row = find(status);
    return row ? row->text : "a status that this version of the library does not know";
}

int acurast_status_retriable(acurast_status status)
{
    const status_row *row = find(status);
    return row ? row->retriable : 0;
}

int acurast_status_at(size_t index, acurast_status *status)
{
    if (index >= ROW_COUNT)
        return -1;
    if (status)
        *status = rows[index].status;
    return 0;
}
