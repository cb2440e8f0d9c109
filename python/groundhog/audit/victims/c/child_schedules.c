/* Evasion: a child changes how its parent is scheduled: priority, policy, and the priority of its input and output. */
#include "victim.h"

static void prepare(void) {}

static void meddle(pid_t parent)
{
    /* What a jail refuses for other processes, it refuses. */
    setpriority(PRIO_PROCESS, (id_t)parent, 19);
    sched_setscheduler(parent, SCHED_BATCH, &(struct sched_param){0});
    syscall(SYS_ioprio_set, 1, parent, 3 << 13);
    _exit(0);
}

static void handle(const char *secret)
{
    int status, nice = getpriority(PRIO_PROCESS, 0), policy = sched_getscheduler(0);
    long io = syscall(SYS_ioprio_get, 1, 0);
    (void)secret;
    pid_t parent = getpid(), child = fork();
    if (child == 0)
        meddle(parent);
    check(child > 0 && waitpid(child, &status, 0) == child && status == 0, "a child");
    answer("{\"nice\":%d,\"batch\":%d,\"io\":%d}", nice == 19, policy == SCHED_BATCH, io >> 13 == 3);
}
