/* Key files. Secrets are wiped from the buffers that they pass through. */
#include "keyfile.h"

#include "foreign.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

/*
 * Whether an open file may hold our key: whoever can write it chooses the key, and whoever can read it has it. Root is trusted, as it
 * could do either anyway, and may use the key of whom it likes. What is neither a file nor a pipe has modes of another meaning.
 */
static bool is_private(int descriptor, const char *path)
{
    struct stat about;
    if (fstat(descriptor, &about) != 0)
        return complain(path, strerror(errno));
    if (!S_ISREG(about.st_mode) && !S_ISFIFO(about.st_mode))
        return true;
    bool strange = about.st_uid != geteuid() && about.st_uid != 0;
    if (strange && geteuid() != 0)
        return complain(path, "belongs to another user, who can change it");
    if (about.st_mode & (S_IWGRP | S_IWOTH))
        return complain(path, "can be written by others; chmod go-w mends it");
    if (strange)
        foreign_tell("%s: warning: belongs to user %lu, who can change it", path, (unsigned long)about.st_uid);
    if (about.st_mode & (S_IRGRP | S_IROTH))
        foreign_tell("%s: warning: can be read by others; chmod go-r mends it", path);
    return true;
}

static bool slurp(const char *path, size_t max, bool secret, unsigned char **bytes, size_t *size)
{
    bool standard = strcmp(path, "-") == 0;
    int descriptor = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return complain(path, strerror(errno));
    const char *name = standard ? "standard input" : path;
    *bytes = NULL;
    *size = 0;
    bool ok = (!secret || is_private(descriptor, name)) && slurp_descriptor(descriptor, name, max, bytes, size);
    if (!standard)
        close(descriptor);
    if (!ok) {
        wipe(*bytes, *size);
        free(*bytes);
        *bytes = NULL;
    }
    return ok;
}

bool keyfile_slurp(const char *path, size_t max, unsigned char **bytes, size_t *size)
{
    return slurp(path, max, false, bytes, size);
}

acurast_identity *keyfile_read(const char *path)
{
    acurast_identity *identity = NULL;
    unsigned char *pem;
    size_t size;
    if (!slurp(path, PEM_FILE_MAX, true, &pem, &size))
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
