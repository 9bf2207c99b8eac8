/*
 * Elements are ids or public keys in hexadecimal, reduced to ids. Files hold one element a line; what follows a # is a
 * comment.
 */
#include "service/access.h"

#include "base/idmap.h"
#include "base/memory.h"

#include <acurast/identity.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define LINE_SIZE 512
#define IDS_MAX 1000000

struct acurast__access {
    atomic_uint references;
    acurast__idmap allow;
    acurast__idmap deny;
    bool restricted; /* an allow list was given */
};

static void *const present = (void *)"present";

/* Only the hexadecimal forms: 16 characters would otherwise pass for the 16 bytes of an id. */
static bool element_parse(const char *text, uint8_t id[16])
{
    size_t size = strlen(text);
    bool prefixed = size > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    size_t digits = prefixed ? size - 2 : size;
    size_t bytes = digits % 2 ? 0 : digits / 2;
    bool plausible =
        bytes == ACURAST_ID_SIZE || bytes == ACURAST_PUBLIC_KEY_SIZE || bytes == ACURAST_UNCOMPRESSED_KEY_SIZE;
    return plausible && acurast_id_of(text, size, id) == ACURAST_OK;
}

static acurast_status set_add(acurast__idmap *set, const uint8_t id[16])
{
    return acurast__idmap_put(set, id, acurast__id_hash(id), present) ? ACURAST_OK : ACURAST_NO_MEMORY;
}

static acurast_status set_add_list(acurast__idmap *set, acurast_options *options, acurast__option option,
                                   const char *name)
{
    const char *text;
    for (size_t i = 0; (text = acurast__options_element(options, option, i)); i++) {
        uint8_t id[16];
        if (!element_parse(text, id))
            return acurast__options_fail(options, ACURAST_BAD_OPTION,
                                         "%s: element %zu is neither an id nor a public key in hex", name, i + 1);
        acurast_status status = set_add(set, id);
        if (status != ACURAST_OK)
            return status;
    }
    return ACURAST_OK;
}

/* Cuts the comment and the blanks around; NULL if nothing is left. */
static char *line_element(char *line)
{
    line[strcspn(line, "#\r\n")] = 0;
    line += strspn(line, " \t");
    size_t size = strlen(line);
    while (size && (line[size - 1] == ' ' || line[size - 1] == '\t'))
        line[--size] = 0;
    return size ? line : NULL;
}

static acurast_status set_add_lines(acurast__idmap *set, acurast_options *options, const char *name, FILE *file)
{
    char line[LINE_SIZE];
    for (size_t number = 1; fgets(line, sizeof line, file); number++) {
        if (!strchr(line, '\n') && !feof(file))
            return acurast__options_fail(options, ACURAST_BAD_OPTION, "%s: line %zu is too long", name, number);
        char *text = line_element(line);
        uint8_t id[16];
        if (!text)
            continue;
        if (!element_parse(text, id))
            return acurast__options_fail(options, ACURAST_BAD_OPTION,
                                         "%s: line %zu is neither an id nor a public key in hex", name, number);
        if (set->count >= IDS_MAX)
            return acurast__options_fail(options, ACURAST_BAD_OPTION, "%s: more than %d ids", name, IDS_MAX);
        acurast_status status = set_add(set, id);
        if (status != ACURAST_OK)
            return status;
    }
    if (ferror(file))
        return acurast__options_fail(options, ACURAST_BAD_OPTION, "%s: cannot be read: %s", name, strerror(errno));
    return ACURAST_OK;
}

static acurast_status set_add_file(acurast__idmap *set, acurast_options *options, acurast__option option,
                                   const char *name)
{
    const char *path = acurast__options_text(options, option);
    if (!path[0])
        return ACURAST_OK;
    FILE *file = fopen(path, "re");
    if (!file)
        return acurast__options_fail(options, ACURAST_BAD_OPTION, "%s: %.160s: %s", name, path, strerror(errno));
    acurast_status status = set_add_lines(set, options, name, file);
    fclose(file);
    return status;
}

static acurast_status access_fill(acurast__access *access, acurast_options *options)
{
    access->restricted = acurast__options_element(options, ACURAST__OPTION_ALLOW, 0) ||
                         acurast__options_text(options, ACURAST__OPTION_ALLOW_FILE)[0];
    acurast_status status = set_add_list(&access->allow, options, ACURAST__OPTION_ALLOW, "allow");
    if (status == ACURAST_OK)
        status = set_add_list(&access->deny, options, ACURAST__OPTION_DENY, "deny");
    if (status == ACURAST_OK)
        status = set_add_file(&access->allow, options, ACURAST__OPTION_ALLOW_FILE, "allow-file");
    if (status == ACURAST_OK)
        status = set_add_file(&access->deny, options, ACURAST__OPTION_DENY_FILE, "deny-file");
    return status;
}

acurast_status acurast__access_create(acurast_options *options, acurast__access **access)
{
    acurast__access *made = acurast__alloc_zero(sizeof *made);
    if (!made)
        return ACURAST_NO_MEMORY;
    atomic_init(&made->references, 1);
    acurast__idmap_init(&made->allow);
    acurast__idmap_init(&made->deny);
    acurast_status status = access_fill(made, options);
    if (status == ACURAST_OK)
        *access = made;
    else
        acurast__access_release(made);
    return status;
}

acurast__access *acurast__access_retain(acurast__access *access)
{
    atomic_fetch_add_explicit(&access->references, 1, memory_order_relaxed);
    return access;
}

void acurast__access_release(acurast__access *access)
{
    if (!access || atomic_fetch_sub_explicit(&access->references, 1, memory_order_acq_rel) != 1)
        return;
    acurast__idmap_clear(&access->allow);
    acurast__idmap_clear(&access->deny);
    acurast__free(access);
}

bool acurast__access_permits(const acurast__access *access, const uint8_t id[16])
{
    uint64_t hash = acurast__id_hash(id);
    if (acurast__idmap_get(&access->deny, id, hash))
        return false;
    return !access->restricted || acurast__idmap_get(&access->allow, id, hash);
}
