/* Evasion: the arguments of an interrupted poll(2) stay in the kernel, and restart_syscall(2) goes on with them. */
#include "interrupted.h"

static void prepare(void) {}

static void handle(const char *secret)
{
    int first, count;
    go_on_with_poll(&first, &count);
    unblock();
    leave_poll(secret);
    answer("{\"first\":%d,\"count\":%d}", first, count);
}
