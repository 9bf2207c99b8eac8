/*
 * A process that was stopped as a whole (SIGSTOP, a debugger, a sleeping machine) finds all its threads late when it goes on. So a thread
 * counts as hanging only once it was late at several looks in a row.
 *
 * The main thread may get stuck as well, over a lock that the other one holds. So an alarm is set as soon as a thread is late, which ends
 * the program where the main thread cannot.
 */
#include "watchdog.h"

#include "command.h"
#include "say.h"
#include "stack.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STALL_MS 5000 /* as /readyz has it */
#define LOOKS_IN_A_ROW 3

/* How much later than the main thread the alarm ends the program. */
#define ALARM_MORE_SECONDS 5

static void on_alarm(int number)
{
    (void)number;
    _exit(COMMAND_FAILED);
}

bool watchdog_open(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm;
    return sigaction(SIGALRM, &action, NULL) == 0 && stack_open();
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void tell(struct watchdog *watchdog, uint64_t stalled_ms)
{
    char text[128];
    snprintf(text, sizeof text, "what=stalled thread=%u seconds=%" PRIu64, watchdog->thread, stalled_ms / 1000);
    say(ACURAST_LOG_ERROR, text);
    stack_say(watchdog->thread);
    watchdog->told = true;
}

static void end_program(struct watchdog *watchdog, uint64_t stalled_ms)
{
    if (!watchdog->told)
        tell(watchdog, stalled_ms);
    say(ACURAST_LOG_ERROR, "what=ended_by_watchdog");
    say_end();
    _exit(COMMAND_FAILED);
}

static void all_turn(struct watchdog *watchdog)
{
    if (!watchdog->looks)
        return;
    alarm(0);
    if (watchdog->told)
        say(ACURAST_LOG_WARN, "what=turning_again");
    watchdog->told = false;
    watchdog->looks = 0;
}

static void one_is_late(struct watchdog *watchdog, unsigned thread, uint64_t stalled_ms)
{
    bool first = !watchdog->looks || thread != watchdog->thread;
    if (first && watchdog->limit_ms)
        alarm((unsigned)(watchdog->limit_ms / 1000) + ALARM_MORE_SECONDS);
    watchdog->thread = thread;
    watchdog->looks = first ? 1 : watchdog->looks + 1;
    if (watchdog->looks < LOOKS_IN_A_ROW)
        return;
    if (watchdog->limit_ms && stalled_ms >= watchdog->limit_ms)
        end_program(watchdog, stalled_ms);
    if (stalled_ms >= STALL_MS && !watchdog->told)
        tell(watchdog, stalled_ms);
}

void watchdog_look(struct watchdog *watchdog, const acurast_service *service)
{
    unsigned thread;
    uint64_t now = now_ms();
    if (now - watchdog->looked_ms < WATCHDOG_TICK_MS)
        return;
    watchdog->looked_ms = now;
    uint64_t stalled_ms = acurast_service_stalled(service, &thread);
    if (stalled_ms)
        one_is_late(watchdog, thread, stalled_ms);
    else
        all_turn(watchdog);
}
