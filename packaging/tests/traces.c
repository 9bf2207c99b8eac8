/*
 * The engine leaves no trace in the thread that starts it. From 1.50 on, libuv has io_uring, and when such a loop is closed the kernel
 * interrupts the thread that made it, whatever it waits for. So a loop is made by the thread that runs it.
 *
 * Ends with 0 and a last line of `used: ...`.
 */
#include <acurast/acurast.h>

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>

enum {
    ROUNDS = 20,
    WAIT_MS = 100
};

/* True where a wait with a limit was interrupted. */
static int interrupted(void)
{
    int pair[2];
    struct timeval limit = {.tv_usec = WAIT_MS * 1000};
    char byte;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 ||
        setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0)
        return 1;
    return recv(pair[0], &byte, 1, 0) < 0 && errno == EINTR;
}

static int start_and_end(void)
{
    acurast_context *context = NULL;
    acurast_options *options = NULL;
    acurast_service *service = NULL;
    acurast_context_create(NULL, &context);
    acurast_options_create(ACURAST_SCOPE_SERVICE, &options);
    acurast_options_set(options, "listen", "127.0.0.1:0");
    acurast_service_create(context, options, &service);
    acurast_status status = acurast_service_start(service);
    acurast_service_release(service);
    acurast_options_release(options);
    acurast_context_close(context);
    acurast_context_release(context);
    return status == ACURAST_OK;
}

int main(void)
{
    int times = 0;
    for (int round = 0; round < ROUNDS; round++) {
        if (!start_and_end())
            return 2;
        times += interrupted();
    }
    printf("%s: %d of %d waits were interrupted\n", times ? "failed" : "used", times, ROUNDS);
    return times != 0;
}
