/* Evasion: likewise with an interrupted nanosleep(2), which goes on instead of being refused. */
#include "interrupted.h"

static void prepare(void) {}

static void handle(const char *secret)
{
    bool found = syscall(SYS_restart_syscall) == 0;
    (void)secret;
    unblock();
    if (sigsetjmp(interrupted, 1) == 0) {
        interrupt_soon();
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    answer("{\"goes on\":%d}", found);
}
