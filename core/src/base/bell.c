/* At most one ring is ever in the descriptor, so neither kind can fill up, and one read empties it. */
#include "base/bell.h"

#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

#ifdef __linux__

static bool open_pair(int fds[2])
{
    fds[0] = fds[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fds[0] >= 0;
}

#else

static bool open_pair(int fds[2])
{
    if (pipe(fds) != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        fcntl(fds[i], F_SETFD, FD_CLOEXEC);
        fcntl(fds[i], F_SETFL, O_NONBLOCK);
    }
    return true;
}

#endif

bool acurast__bell_open(acurast__bell *bell)
{
    int fds[2];
    if (!open_pair(fds))
        return false;
    *bell = (acurast__bell){.reader = fds[0], .writer = fds[1]};
    return true;
}

void acurast__bell_close(acurast__bell *bell)
{
    if (bell->reader < 0)
        return;
    close(bell->reader);
    if (bell->writer != bell->reader)
        close(bell->writer);
    *bell = (acurast__bell){.reader = -1, .writer = -1};
}

void acurast__bell_ring(acurast__bell *bell)
{
    const uint64_t one = 1;
    if (bell->reader < 0 || bell->ringing)
        return;
    bell->ringing = write(bell->writer, &one, sizeof(one)) == (ssize_t)sizeof(one);
}

void acurast__bell_hush(acurast__bell *bell)
{
    uint64_t ring;
    if (bell->ringing)
        bell->ringing = read(bell->reader, &ring, sizeof(ring)) < 0;
}
