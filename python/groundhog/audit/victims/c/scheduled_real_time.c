/* Evasion: the nice value and the time slice of a real-time thread, which show in none of its attributes as long as it is one. */
#include "victim.h"
#include "scheduled.h"

enum { SLICE = 1000000 };

static void set_policy(int policy, int priority)
{
    check(sched_setscheduler(0, policy, &(struct sched_param){.sched_priority = priority}) == 0 || errno == EPERM,
          "sched_setscheduler");
}

static void prepare(void)
{
    set_policy(SCHED_RR, 1);
}

static void handle(const char *secret)
{
    int nice = getpriority(PRIO_PROCESS, 0);
    set_policy(SCHED_OTHER, 0);
    struct schedule schedule = schedule_of(0);
    bool is_odd = schedule.runtime > SLICE && schedule.runtime < SLICE + 256;
    schedule.runtime = SLICE + 1 + (unsigned char)secret[0];
    check(syscall(SYS_sched_setattr, 0, &schedule, 0) == 0, "sched_setattr");
    set_policy(SCHED_RR, 1);
    check(setpriority(PRIO_PROCESS, 0, 1 + secret[0] % 10) == 0, "setpriority");
    answer("{\"nice\":%d,\"odd\":%d}", nice, is_odd);
}
