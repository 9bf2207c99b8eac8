/* A line is put together on the stack and appended by one write: two threads of a program do not mix theirs. */
#include "journal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_SIZE 512

static int file = -1;

void journal_open(const char *path)
{
    file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) {
        perror(path);
        exit(2);
    }
}

void journal_say(const char *format, ...)
{
    char line[LINE_MAX_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof line - 1)
        abort();
    line[length] = '\n';
    if (write(file, line, (size_t)length + 1) != length + 1)
        abort();
}

void journal_hex(char *text, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * size] = '\0';
}

static uint8_t filler(uint64_t number, size_t at)
{
    return (uint8_t)(number * 31 + at * 7 + (at >> 8));
}

void journal_fill(uint8_t *payload, size_t *size, const char *name, uint64_t number, unsigned level)
{
    char head[JOURNAL_HEAD_MAX];
    int length = snprintf(head, sizeof head, "%s %" PRIu64 " %u ", name, number, level);
    if (length < 0 || (size_t)length >= sizeof head - 12)
        abort();
    if (*size < (size_t)length + 12)
        *size = (size_t)length + 12;
    length += snprintf(head + length, sizeof head - (size_t)length, "%zu ", *size);
    memcpy(payload, head, (size_t)length);
    for (size_t at = (size_t)length; at < *size; at++)
        payload[at] = filler(number, at);
}

/* The length of the words at the front, or 0 where there are none. */
static size_t head_of(const acurast_event_view *event, char head[JOURNAL_HEAD_MAX])
{
    size_t blanks = 0, at = 0;
    while (at < event->payload_size && at < JOURNAL_HEAD_MAX - 1 && blanks < 4) {
        char letter = (char)event->payload[at];
        if (letter < ' ' || letter > '~')
            return 0;
        head[at++] = letter;
        blanks += letter == ' ';
    }
    head[at] = '\0';
    return blanks == 4 ? at : 0;
}

static bool is_whole(const acurast_event_view *event, const char *head, size_t length)
{
    uint64_t number = 0;
    size_t size = 0;
    if (sscanf(head, "%*s %" SCNu64 " %*u %zu", &number, &size) != 2 || size != event->payload_size)
        return false;
    for (size_t at = length; at < size; at++)
        if (event->payload[at] != filler(number, at))
            return false;
    return true;
}

void journal_received(const acurast_event_view *event)
{
    char head[JOURNAL_HEAD_MAX], sender[2 * ACURAST_ID_SIZE + 1];
    size_t length = head_of(event, head);
    journal_hex(sender, event->sender, ACURAST_ID_SIZE);
    if (length)
        journal_say("R %s %s%s", sender, head, is_whole(event, head, length) ? "whole" : "damaged");
    else
        journal_say("R %s ? 0 0 0 damaged", sender);
}
