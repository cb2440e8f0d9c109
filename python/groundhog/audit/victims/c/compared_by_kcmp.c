/* What the kernel makes with the first thread and the first I/O priority of a process, and keeps: kcmp() tells whether a child, which
 * has none, has the same. */
#include "victim.h"

enum { SEMAPHORES = 6, PRIORITIES = 5, WHO_PROCESS = 1, BEST_EFFORT = 2 << 13 };

static void prepare(void) {}

static void *end(void *nothing)
{
    return nothing;
}

/* Whether it differs from what a new child has; nothing, where nobody tells. */
static int differs(pid_t child, int what)
{
    return syscall(SYS_kcmp, getpid(), child, what, 0, 0) > 0;
}

static void handle(const char *secret)
{
    (void)secret;
    pid_t child = fork();
    check(child >= 0, "fork");
    if (child == 0) {
        for (;;)
            pause();
    }
    int semaphores = differs(child, SEMAPHORES), priorities = differs(child, PRIORITIES);
    check(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child, "ending a child");
    pthread_t thread;
    check(pthread_create(&thread, NULL, end, NULL) == 0 && pthread_join(thread, NULL) == 0, "a thread");
    check(syscall(SYS_ioprio_set, WHO_PROCESS, 0, BEST_EFFORT | 5) == 0, "ioprio_set");
    answer("{\"semaphores\":%d,\"priorities\":%d}", semaphores, priorities);
}
