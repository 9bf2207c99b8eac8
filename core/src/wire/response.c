/* The empty line is looked for first; the lines before it are cut and looked at one by one. */
#include "wire/response.h"

#include <string.h>
#include <strings.h>

static const char protocol[] = "HTTP/1.? ";

#define MINOR 7 /* where its digit stands */

/* The first byte behind the empty line; NULL: it has not come. */
static char *find_end(char *bytes, size_t size)
{
    bool empty = false;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '\n' && empty)
            return bytes + i + 1;
        if (bytes[i] != '\r')
            empty = bytes[i] == '\n';
    }
    return NULL;
}

static bool begins_well(const char *bytes, size_t size)
{
    size_t length = size < sizeof protocol - 1 ? size : sizeof protocol - 1;
    for (size_t i = 0; i < length; i++)
        if (i == MINOR ? bytes[i] != '0' && bytes[i] != '1' : bytes[i] != protocol[i])
            return false;
    return true;
}

/* Three digits; 0: there are none. */
static unsigned read_status(const char *line)
{
    unsigned status = 0;
    const char *at = line + sizeof protocol - 1;
    for (int i = 0; i < 3; i++, at++) {
        if (*at < '0' || *at > '9')
            return 0;
        status = status * 10 + (unsigned)(*at - '0');
    }
    return *at == ' ' || !*at ? status : 0;
}

/* Cuts the next line off, as a text. */
static char *next_line(char **at)
{
    char *line = *at, *end = strchr(line, '\n');
    *at = end + 1;
    *end = 0;
    if (end > line && end[-1] == '\r')
        end[-1] = 0;
    return line;
}

/* Without the spaces around it. */
static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t size = strlen(text);
    while (size && (text[size - 1] == ' ' || text[size - 1] == '\t'))
        text[--size] = 0;
    return text;
}

/* Whether one of the words of a list is this one. */
static bool lists(const char *list, const char *word)
{
    size_t size = strlen(word);
    while (*list) {
        list += strspn(list, " \t,");
        size_t length = strcspn(list, " \t,");
        if (length == size && strncasecmp(list, word, size) == 0)
            return true;
        list += length;
    }
    return false;
}

typedef struct upgrade {
    bool named; /* Upgrade: websocket */
    bool meant; /* Connection: upgrade */
} upgrade;

static void read_header(acurast__response_head *head, upgrade *found, char *line)
{
    char *colon = strchr(line, ':');
    if (!colon)
        return;
    *colon = 0;
    char *value = trim(colon + 1);
    if (strcasecmp(line, "upgrade") == 0)
        found->named = strcasecmp(value, "websocket") == 0;
    else if (strcasecmp(line, "connection") == 0)
        found->meant |= lists(value, "upgrade");
    else if (strcasecmp(line, "sec-websocket-accept") == 0)
        head->accept = value;
    else if (strcasecmp(line, "sec-websocket-extensions") == 0 || strcasecmp(line, "sec-websocket-protocol") == 0)
        head->negotiates |= *value != 0;
}

acurast__response_progress acurast__response_read(acurast__response_head *head, char *bytes, size_t size)
{
    upgrade found = {false, false};
    *head = (acurast__response_head){0};
    if (!begins_well(bytes, size))
        return ACURAST__RESPONSE_WRONG;
    char *end = find_end(bytes, size < ACURAST__RESPONSE_MAX ? size : ACURAST__RESPONSE_MAX);
    if (!end)
        return size < ACURAST__RESPONSE_MAX ? ACURAST__RESPONSE_MORE : ACURAST__RESPONSE_WRONG;
    head->size = (size_t)(end - bytes);
    if (memchr(bytes, 0, head->size))
        return ACURAST__RESPONSE_WRONG;
    char *at = bytes;
    head->minor = (unsigned)(bytes[MINOR] - '0');
    head->status = read_status(next_line(&at));
    while (at < end)
        read_header(head, &found, next_line(&at));
    head->upgrades = found.named && found.meant;
    return head->status ? ACURAST__RESPONSE_WHOLE : ACURAST__RESPONSE_WRONG;
}
