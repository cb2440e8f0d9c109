/* Evasion: the process may choose the numbers of its timers (PR_TIMER_CREATE_RESTORE_IDS, Linux 6.15), and the next number is far
 * ahead since it chose one. */
#include "victim.h"
#include <time.h>

enum { PR_TIMER_CREATE_RESTORE_IDS_ = 77, GET = 2 };

static void prepare(void) {}

static int create(int number)
{
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    check(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &number) == 0 || errno == EBUSY, "timer_create");
    return number;
}

static void handle(const char *secret)
{
    bool chooses = prctl(PR_TIMER_CREATE_RESTORE_IDS_, GET, 0, 0, 0) == 1;
    int next = create(0);
    (void)syscall(SYS_timer_delete, next);
    prctl(PR_TIMER_CREATE_RESTORE_IDS_, 1, 0, 0, 0);
    (void)syscall(SYS_timer_delete, create(1000 + atoi(secret + 1)));
    answer("{\"chooses\":%d,\"next\":%d}", chooses, next);
}
