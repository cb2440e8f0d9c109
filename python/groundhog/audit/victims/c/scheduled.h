/* sched_setattr(2), which C libraries of this age do not have. */
struct schedule {
    unsigned size, policy;
    unsigned long flags;
    int nice;
    unsigned priority;
    unsigned long runtime, deadline, period;
};

static struct schedule schedule_of(pid_t thread)
{
    struct schedule schedule = {.size = sizeof schedule};
    check(syscall(SYS_sched_getattr, thread, &schedule, sizeof schedule, 0) == 0, "sched_getattr");
    return schedule;
}
