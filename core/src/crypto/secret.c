/*
 * A guarded page costs two pages of memory, four of the mappings that a process may have (some 65,000), and a page of what it may
 * lock. So secrets share: a box is one such page with cells for 63 of them. Between changes it can be read, not written.
 *
 *   box with room (in `open`) <-> full (in no list);  empty -> freed
 *
 * Where the system grants no more guarded memory, a box is plain memory, wiped as well.
 */
#include "crypto/secret.h"

#include "base/list.h"
#include "base/memory.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>

#define CELLS 63 /* with libsodium's canary they fill a page of 4 KiB */
#define ALL_USED ((UINT64_C(1) << CELLS) - 1)

typedef struct acurast__secret_box {
    acurast__list link;
    uint64_t used; /* a bit a cell */
    bool guarded;
    uint8_t (*cells)[ACURAST__SECRET_SIZE];
} box;

static acurast__list open = {&open, &open};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t fork_noted = PTHREAD_ONCE_INIT;

static void enter(void)
{
    pthread_mutex_lock(&lock);
}

static void leave(void)
{
    pthread_mutex_unlock(&lock);
}

/* A fork waits until nobody is within: the child, which may use its parent's identities, would find the lock taken for ever. */
static void note_fork(void)
{
    pthread_atfork(enter, leave, leave);
}

static void box_free(box *self)
{
    acurast__list_remove(&self->link);
    if (self->guarded)
        sodium_free(self->cells);
    else
        acurast__free(self->cells);
    acurast__free(self);
}

static box *box_new(void)
{
    box *self = acurast__alloc_zero(sizeof *self);
    if (!self)
        return NULL;
    acurast__list_append(&open, &self->link);
    self->cells = sodium_allocarray(CELLS, ACURAST__SECRET_SIZE);
    self->guarded = self->cells != NULL;
    if (!self->guarded)
        self->cells = acurast__alloc_zero(sizeof *self->cells * CELLS);
    if (self->cells)
        return self;
    box_free(self);
    return NULL;
}

static box *box_with_room(void)
{
    return acurast__list_empty(&open) ? box_new() : ACURAST__CONTAINER(open.next, box, link);
}

static unsigned free_cell(const box *self)
{
    unsigned cell = 0;
    while (self->used >> cell & 1)
        cell++;
    return cell;
}

static void write_cell(box *self, unsigned cell, const uint8_t *bytes)
{
    if (self->guarded)
        sodium_mprotect_readwrite(self->cells);
    if (bytes)
        memcpy(self->cells[cell], bytes, ACURAST__SECRET_SIZE);
    else
        sodium_memzero(self->cells[cell], ACURAST__SECRET_SIZE);
    self->used ^= UINT64_C(1) << cell;
    if (self->guarded)
        sodium_mprotect_readonly(self->cells);
}

static bool keep(acurast__secret *secret, const uint8_t *bytes)
{
    box *home = box_with_room();
    if (!home)
        return false;
    unsigned cell = free_cell(home);
    write_cell(home, cell, bytes);
    if (home->used == ALL_USED)
        acurast__list_remove(&home->link);
    *secret = (acurast__secret){.bytes = home->cells[cell], .box = home};
    return true;
}

bool acurast__secret_keep(acurast__secret *secret, const uint8_t bytes[ACURAST__SECRET_SIZE])
{
    pthread_once(&fork_noted, note_fork);
    enter();
    bool kept = keep(secret, bytes);
    leave();
    return kept;
}

static void drop(box *home, const uint8_t *bytes)
{
    if (home->used == ALL_USED)
        acurast__list_append(&open, &home->link);
    write_cell(home, (unsigned)((size_t)(bytes - home->cells[0]) / ACURAST__SECRET_SIZE), NULL);
    if (home->used == 0)
        box_free(home);
}

void acurast__secret_drop(acurast__secret *secret)
{
    if (!secret->box)
        return;
    enter();
    drop(secret->box, secret->bytes);
    leave();
    *secret = (acurast__secret){0};
}
