/* Key files. Secrets are wiped from the buffers that they pass through. */
#include "keyfile.h"

#include "foreign.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PEM_FILE_MAX ((size_t)64 * 1024)
#define PEM_MAX 512

static void wipe(void *bytes, size_t size)
{
    volatile unsigned char *at = bytes;
    while (size--)
        *at++ = 0;
}

static bool complain(const char *path, const char *problem)
{
    foreign_tell("%s: %s", path, problem);
    return false;
}

/* Doubles the buffer and wipes the old one; false without memory. */
static bool grow(unsigned char **bytes, size_t size, size_t *capacity)
{
    size_t larger = *capacity ? 2 * *capacity : 4096;
    unsigned char *moved = malloc(larger);
    if (!moved)
        return false;
    if (size)
        memcpy(moved, *bytes, size);
    wipe(*bytes, size);
    free(*bytes);
    *bytes = moved;
    *capacity = larger;
    return true;
}

static bool slurp_descriptor(int descriptor, const char *path, size_t max, unsigned char **bytes, size_t *size)
{
    size_t capacity = 0;
    ssize_t got;
    *bytes = NULL;
    *size = 0;
    do {
        if (*size == capacity && !grow(bytes, *size, &capacity))
            return complain(path, "out of memory");
        got = read(descriptor, *bytes + *size, capacity - *size);
        if (got > 0)
            *size += (size_t)got;
        if (*size > max)
            return complain(path, "too large");
    } while (got > 0 || (got < 0 && errno == EINTR));
    return got == 0 || complain(path, strerror(errno));
}

bool keyfile_slurp(const char *path, size_t max, unsigned char **bytes, size_t *size)
{
    bool standard = strcmp(path, "-") == 0;
    int descriptor = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return complain(path, strerror(errno));
    bool ok = slurp_descriptor(descriptor, standard ? "standard input" : path, max, bytes, size);
    if (!standard)
        close(descriptor);
    if (!ok) {
        wipe(*bytes, *size);
        free(*bytes);
        *bytes = NULL;
    }
    return ok;
}

acurast_identity *keyfile_read(const char *path)
{
    acurast_identity *identity = NULL;
    unsigned char *pem;
    size_t size;
    if (!keyfile_slurp(path, PEM_FILE_MAX, &pem, &size))
        return NULL;
    acurast_status status = acurast_identity_from_pem((const char *)pem, size, &identity);
    wipe(pem, size);
    free(pem);
    if (status != ACURAST_OK)
        complain(path, acurast_status_text(status));
    return identity;
}

static bool write_all(int descriptor, const char *text, size_t size)
{
    while (size) {
        ssize_t wrote = write(descriptor, text, size);
        if (wrote < 0 && errno != EINTR)
            return false;
        if (wrote > 0) {
            text += wrote;
            size -= (size_t)wrote;
        }
    }
    return true;
}

bool keyfile_write(const char *path, const acurast_identity *identity)
{
    char pem[PEM_MAX];
    size_t size = sizeof pem;
    acurast_status status = acurast_identity_to_pem(identity, pem, &size);
    if (status != ACURAST_OK)
        return complain(path, acurast_status_text(status));
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        wipe(pem, sizeof pem);
        return complain(path, strerror(errno));
    }
    bool ok = write_all(descriptor, pem, size - 1) && fsync(descriptor) == 0;
    wipe(pem, sizeof pem);
    if (close(descriptor) != 0 || !ok) {
        complain(path, strerror(errno));
        unlink(path);
        return false;
    }
    return true;
}

bool keyfile_print(const acurast_identity *identity)
{
    char pem[PEM_MAX];
    size_t size = sizeof pem;
    if (acurast_identity_to_pem(identity, pem, &size) != ACURAST_OK)
        return false;
    fputs(pem, stdout);
    wipe(pem, sizeof pem);
    return true;
}
