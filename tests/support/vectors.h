/*
 * The known answers of tests/vectors, by path: "frames/1/challenge". What stands in
 * which file need not be known. A reader of just enough JSON for them, which it trusts.
 */
#ifndef TESTS_SUPPORT_VECTORS_H
#define TESTS_SUPPORT_VECTORS_H

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline const char *vectors__text(size_t file)
{
    static const char *const paths[] = {TESTS_DIR "/vectors/v1.json", TESTS_DIR "/vectors/seal.json"};
    static char texts[2][64 * 1024];
    char *text = texts[file];
    if (text[0] == '\0') {
        FILE *opened = fopen(paths[file], "r");
        size_t size = opened ? fread(text, 1, sizeof texts[0] - 1, opened) : 0;
        if (size == 0 || size == sizeof texts[0] - 1)
            abort();
        fclose(opened);
        text[size] = '\0';
    }
    return text;
}

static inline const char *vectors__blank(const char *at)
{
    while (isspace((unsigned char)*at) || *at == ',' || *at == ':')
        at++;
    return at;
}

static inline const char *vectors__skip(const char *at)
{
    if (*at == '"')
        return strchr(at + 1, '"') + 1;
    if (*at != '{' && *at != '[')
        return at + strcspn(at, ",]} \n");
    for (at = vectors__blank(at + 1); *at != '}' && *at != ']'; at = vectors__blank(at))
        at = vectors__skip(at);
    return at + 1;
}

/* The member or element that `step` names; NULL if there is none. */
static inline const char *vectors__enter(const char *at, const char *step, size_t length)
{
    bool object = *at == '{';
    size_t index = object ? 0 : strtoul(step, NULL, 10);
    for (at = vectors__blank(at + 1); *at != '}' && *at != ']'; at = vectors__blank(vectors__skip(at))) {
        if (!object && index-- == 0)
            return at;
        bool found = object && strncmp(at + 1, step, length) == 0 && at[1 + length] == '"';
        if (object)
            at = vectors__blank(vectors__skip(at));
        if (found)
            return at;
    }
    return NULL;
}

static inline const char *vectors__find_in(size_t file, const char *path)
{
    const char *at = vectors__blank(vectors__text(file));
    while (at && *path) {
        size_t length = strcspn(path, "/");
        at = vectors__enter(at, path, length);
        path += length + (path[length] == '/');
    }
    return at;
}

/* Where the value of a path starts; NULL if there is none. */
static inline const char *vectors_find(const char *path)
{
    const char *at = vectors__find_in(0, path);
    return at ? at : vectors__find_in(1, path);
}

/* Element `index` of a list: its member `name`. */
static inline const char *vectors_at(const char *list, size_t index, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%zu/%s", list, index, name);
    return vectors_find(path);
}

static inline bool vectors_is(const char *value, const char *text)
{
    size_t length = strlen(text);
    return *value == '"' ? strncmp(value + 1, text, length) == 0 && value[1 + length] == '"'
                         : strncmp(value, text, length) == 0;
}

/* Hex digits of a value into `bytes`; returns how many bytes, 0 for no value. */
static inline size_t vectors_bytes(const char *value, uint8_t *bytes, size_t capacity)
{
    size_t size = 0;
    if (!value)
        return 0;
    for (value++; *value != '"'; value += 2, size++) {
        char digits[3] = {value[0], value[1], '\0'};
        if (size == capacity || !isxdigit((unsigned char)digits[0]) || !isxdigit((unsigned char)digits[1]))
            abort();
        bytes[size] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return size;
}

#endif
