/*
 * Preloaded into a program under test: the first accept() that finds the file $STALL_FILE does not return until the file is gone. So a
 * thread of the program hangs as it would by a fault, and the program itself holds nothing for tests.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

__attribute__((visibility("default"))) int accept4(int socket, struct sockaddr *address, socklen_t *size, int flags)
{
    static atomic_bool taken;
    const char *file = getenv("STALL_FILE");
    int (*next)(int, struct sockaddr *, socklen_t *, int) = dlsym(RTLD_NEXT, "accept4");
    if (file && access(file, F_OK) == 0 && !atomic_exchange(&taken, true))
        while (access(file, F_OK) == 0)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return next(socket, address, size, flags);
}
