/* Sets the priority and the processors of another process, which its words name, and the priority of all of its group and user. */
#include "victim.h"

enum { OF_USER = 3, BEST_EFFORT = 2 << 13 | 4, NOBODY_AT_ALL = 4000000 };

static pid_t other;

static void prepare(void)
{
    check(command_words[0] != NULL, "no process named");
    other = (pid_t)strtol(command_words[0], NULL, 10);
}

static void handle(const char *secret)
{
    (void)secret;
    cpu_set_t processors;
    check(sched_getaffinity(other, sizeof processors, &processors) == 0, "sched_getaffinity");
    bool renices = setpriority(PRIO_PROCESS, (id_t)other, 1) == 0 || errno != EPERM;
    bool places = sched_setaffinity(other, sizeof processors, &processors) == 0 || errno != EPERM;
    /* The user has no processes: where it may, there is nothing to set. */
    bool groups = setpriority(PRIO_PGRP, 0, 1) == 0 || errno != EPERM;
    bool users = setpriority(PRIO_USER, NOBODY_AT_ALL, 1) == 0 || errno != EPERM;
    bool reads = syscall(SYS_ioprio_set, OF_USER, NOBODY_AT_ALL, BEST_EFFORT) == 0 || errno != EPERM;
    answer("{\"sets\":%s}", renices || places || groups || users || reads ? "true" : "false");
}
