/* Sets the priority and the processors of another process, which its words name. */
#include "victim.h"

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
    answer("{\"sets\":%s}", renices || places ? "true" : "false");
}
