/* For how long it runs at a time (the slice of sched_setattr(2), Linux 6.12). */
#include "attributes.h"
#include "scheduled.h"

enum { ODD = 7654321 };

static void describe(char *text, size_t size)
{
    snprintf(text, size, "odd %d", schedule_of(0).runtime == ODD);
}

static void change(const char *secret)
{
    (void)secret;
    struct schedule schedule = schedule_of(0);
    schedule.runtime = ODD;
    check(syscall(SYS_sched_setattr, 0, &schedule, 0) == 0 || errno == EPERM, "sched_setattr");
}
