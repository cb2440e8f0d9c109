/* What every thread has for itself, set by one that is not the first: its name, settings, processors, I/O priority, alternate
 * stack, and signals that wait for it alone. */
#include "victim.h"

static pthread_t other;
static int wanted[2], done[2];
static char found[400], leaving[16];

static void describe(void)
{
    char name[16] = "";
    int death = 0;
    cpu_set_t set;
    stack_t alternate;
    sigset_t pending;
    check(prctl(PR_GET_NAME, name) == 0 && prctl(PR_GET_PDEATHSIG, &death) == 0, "prctl");
    check(sched_getaffinity(0, sizeof set, &set) == 0 && sigaltstack(NULL, &alternate) == 0, "asking");
    sigpending(&pending);
    snprintf(found, sizeof found, "name %s, slack %d, death %d, one %d, io %ld, stack %d, pending %d",
             name[0] == 'Q' ? "a secret" : "its own", prctl(PR_GET_TIMERSLACK) == 4321, death, CPU_COUNT(&set) == 1,
             syscall(SYS_ioprio_get, 1, 0) >> 13, !(alternate.ss_flags & SS_DISABLE), sigismember(&pending, SIGUSR1));
}

static void change(void)
{
    static char stack[64 << 10];
    cpu_set_t set;
    check(prctl(PR_SET_NAME, leaving) == 0 && prctl(PR_SET_TIMERSLACK, 4321) == 0, "prctl");
    check(prctl(PR_SET_PDEATHSIG, SIGURG) == 0, "prctl");
    check(sched_getaffinity(0, sizeof set, &set) == 0, "sched_getaffinity");
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&set) > 1; cpu++)
        CPU_CLR(cpu, &set);
    check(sched_setaffinity(0, sizeof set, &set) == 0, "sched_setaffinity");
    check(syscall(SYS_ioprio_set, 1, 0, 3 << 13) == 0, "ioprio_set");
    check(sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL) == 0, "sigaltstack");
}

static void *work(void *unused)
{
    char byte;
    while (read(wanted[0], &byte, 1) == 1) {
        describe();
        change();
        check(write(done[1], "d", 1) == 1, "write");
    }
    return unused;
}

static void prepare(void)
{
    sigset_t all;
    check(pipe2(wanted, O_CLOEXEC) == 0 && pipe2(done, O_CLOEXEC) == 0, "pipe");
    sigfillset(&all);
    check(pthread_sigmask(SIG_BLOCK, &all, NULL) == 0 && pthread_create(&other, NULL, work, NULL) == 0, "a thread");
    check(pthread_sigmask(SIG_UNBLOCK, &all, NULL) == 0, "pthread_sigmask");
}

static void handle(const char *secret)
{
    char byte;
    snprintf(leaving, sizeof leaving, "%.15s", secret);
    check(write(wanted[1], "w", 1) == 1 && read(done[0], &byte, 1) == 1, "the other thread");
    check(pthread_kill(other, SIGUSR1) == 0, "pthread_kill");
    answer("{\"found\":\"%s\"}", found);
}
