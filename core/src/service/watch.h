/*
 * Who wants to hear that an id has left. Each tracked frame and each id that is looked up makes the connection that sent it a watcher of
 * that id's entry in the directory, if there is one. When the holder of the entry leaves, its watchers are told, each once, and watch no
 * more: so nobody hears more of this than it asked.
 *
 *            acurast__watches_touch()          the holder leaves, or the entry is forgotten
 *   (none) -------------------------> ATTACHED -----------------------------------------> detached
 *     ^                                  |   ^                                               |
 *     +--- the owner ends, or has -------+   +------------- acurast__watches_touch() --------+
 *          newer ones than its limit
 *
 * A watch is freed by its owner alone, on its loop. Its place in the entry's list belongs to the lock of the entry's part. Whoever detaches
 * it does that with the lock held, and does not look at it afterwards; so an owner that finds it detached needs no lock.
 */
#ifndef ACURAST_SERVICE_WATCH_H
#define ACURAST_SERVICE_WATCH_H

#include "service/directory.h"

/* The watches of a connection. */
typedef struct acurast__watches {
    acurast__idmap map; /* id -> watch */
    acurast__list ages; /* the one touched longest ago at its head */
    uint8_t asker[16];
    _Atomic uint64_t *memory; /* where it is counted */
} acurast__watches;

/* `*watches` is NULL at first, and made with the first watch; `limit` is not 0. Without memory there is no watch. */
void acurast__watches_touch(acurast__watches **watches, acurast__directory *directory, const uint8_t asker[16],
                            const uint8_t id[16], uint64_t hash, size_t limit, _Atomic uint64_t *memory);

/* All of them; `watches` may be NULL. */
void acurast__watches_free(acurast__watches *watches, acurast__directory *directory);

static inline size_t acurast__watches_count(const acurast__watches *watches)
{
    return watches ? watches->map.count : 0;
}

/* The holder of the entry leaves: its watchers wait for acurast__watches_tell(). With the part's lock. */
void acurast__watches_leave(acurast__entry *entry, acurast__gone_kind kind, acurast__tidings *tidings);

/* The entry is forgotten. With the part's lock. */
void acurast__watches_detach(acurast__entry *entry);

/* Some watchers of who has left are noted as to be told; true where there were any. */
bool acurast__watches_tell(acurast__tidings *tidings);

/* Those that wait to be told have none any more, since all connections have ended. */
void acurast__watches_clear(acurast__tidings *tidings);

#endif
