/* One setting of a thread that is not the first, by its name: it tells what it finds, then sets another value. */
#include "case.h"
#include "memory_policy.h"
#include "of_thread.h"
#include "scheduled.h"
#include <linux/securebits.h>
#include <sys/personality.h>

enum { ANOTHER_USER = 12345, ODD = 7654321, PR_GET_TID_ADDRESS_ = 40 };
static char stack[64 << 10];
static int place;
static struct {
    void *next;
    long offset;
    void *pending;
} no_locks = {&no_locks, 0, NULL};

static long name(void)
{
    char found[16] = "";
    check(prctl(PR_GET_NAME, found) == 0, "prctl");
    return strcmp(found, "another") == 0;
}

static void set_name(void)
{
    prctl(PR_SET_NAME, "another");
}

static long slack(void)
{
    return prctl(PR_GET_TIMERSLACK);
}

static void set_slack(void)
{
    prctl(PR_SET_TIMERSLACK, 4321);
}

static long death(void)
{
    int found = 0;
    check(prctl(PR_GET_PDEATHSIG, &found) == 0, "prctl");
    return found;
}

static void set_death(void)
{
    prctl(PR_SET_PDEATHSIG, SIGURG);
}

static long kept(void)
{
    return prctl(PR_GET_KEEPCAPS);
}

static void set_kept(void)
{
    prctl(PR_SET_KEEPCAPS, 1);
}

static long bits(void)
{
    return prctl(PR_GET_SECUREBITS);
}

static void set_bits(void)
{
    prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP);
}

static long stamps(void)
{
    int found = 0;
    check(prctl(PR_GET_TSC, &found) == 0, "prctl");
    return found;
}

static void set_stamps(void)
{
    prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
}

static long errors(void)
{
    return prctl(PR_MCE_KILL_GET, 0, 0, 0, 0);
}

static void set_errors(void)
{
    prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0);
}

static long person(void)
{
    return personality(0xffffffff);
}

static void set_person(void)
{
    personality(personality(0xffffffff) | STICKY_TIMEOUTS);
}

static long processors(void)
{
    cpu_set_t set;
    check(sched_getaffinity(0, sizeof set, &set) == 0, "sched_getaffinity");
    return CPU_COUNT(&set);
}

static void set_processors(void)
{
    cpu_set_t set;
    check(sched_getaffinity(0, sizeof set, &set) == 0, "sched_getaffinity");
    for (int at = 0; at < CPU_SETSIZE && CPU_COUNT(&set) > 1; at++)
        CPU_CLR(at, &set);
    check(sched_setaffinity(0, sizeof set, &set) == 0, "sched_setaffinity");
}

static long nice_value(void)
{
    return getpriority(PRIO_PROCESS, 0);
}

static void set_nice(void)
{
    check(setpriority(PRIO_PROCESS, 0, 19) == 0, "setpriority");
}

static long policy(void)
{
    return sched_getscheduler(0);
}

static void set_policy(void)
{
    check(sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0}) == 0, "sched_setscheduler");
}

static long slice(void)
{
    return schedule_of(0).runtime == ODD;
}

static void set_slice(void)
{
    struct schedule schedule = schedule_of(0);
    schedule.runtime = ODD;
    syscall(SYS_sched_setattr, 0, &schedule, 0);
}

static long io(void)
{
    return syscall(SYS_ioprio_get, 1, 0);
}

static void set_io(void)
{
    syscall(SYS_ioprio_set, 1, 0, 3 << 13);
}

static long memory(void)
{
    return memory_policy(NULL);
}

static void set_memory(void)
{
    syscall(SYS_set_mempolicy, POLICY_PREFERRED, &first_node, 64);
}

static long alternate(void)
{
    stack_t found;
    check(sigaltstack(NULL, &found) == 0, "sigaltstack");
    return found.ss_sp == stack;
}

static void set_alternate(void)
{
    check(sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL) == 0, "sigaltstack");
}

static long blocked(void)
{
    sigset_t set;
    check(pthread_sigmask(SIG_SETMASK, NULL, &set) == 0, "pthread_sigmask");
    return sigismember(&set, SIGUSR2);
}

static void set_blocked(void)
{
    sigset_t set;
    check(sigemptyset(&set) == 0 && sigaddset(&set, SIGUSR2) == 0, "sigaddset");
    check(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0, "pthread_sigmask");
}

static long pending(void)
{
    sigset_t set;
    check(sigpending(&set) == 0, "sigpending");
    return sigismember(&set, SIGUSR1);
}

static void set_pending(void)
{
    check(raise(SIGUSR1) == 0, "raise");
}

static long folder(void)
{
    char found[4096];
    check(getcwd(found, sizeof found) != NULL, "getcwd");
    return strcmp(found, "/dev") == 0;
}

static void set_folder(void)
{
    check(unshare(CLONE_FS) == 0 && chdir("/dev") == 0, "chdir");
}

static long mask(void)
{
    mode_t found = umask(0);
    umask(found);
    return found;
}

static void set_mask(void)
{
    check(unshare(CLONE_FS) == 0, "unshare");
    umask(0071);
}

static long descriptors(void)
{
    return fcntl(100, F_GETFD) >= 0;
}

static void set_descriptors(void)
{
    check(unshare(CLONE_FILES) == 0 && dup2(1, 100) == 100, "dup2");
}

static long user(void)
{
    unsigned real = 0, effective, saved;
    check(syscall(SYS_getresuid, &real, &effective, &saved) == 0, "getresuid");
    return real;
}

static void set_user(void)
{
    syscall(SYS_setresuid, ANOTHER_USER, -1, -1);
}

static long files_user(void)
{
    return syscall(SYS_setfsuid, -1);
}

static void set_files_user(void)
{
    syscall(SYS_setfsuid, ANOTHER_USER);
}

static long groups(void)
{
    return syscall(SYS_getgroups, 0, NULL);
}

static void set_groups(void)
{
    unsigned group[] = {1, 2, 3, 4, 5, 6, 7};
    syscall(SYS_setgroups, 7, group);
}

static long bounding(void)
{
    return prctl(PR_CAPBSET_READ, 22);
}

static void set_bounding(void)
{
    prctl(PR_CAPBSET_DROP, 22);
}

static long given_up(void)
{
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
}

static void set_given_up(void)
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static long end_written(void)
{
    void *found = NULL;
    prctl(PR_GET_TID_ADDRESS_, &found);
    return found == &place;
}

static void set_end_written(void)
{
    syscall(SYS_set_tid_address, &place);
}

static long locks(void)
{
    void *found = NULL;
    size_t length;
    syscall(SYS_get_robust_list, 0, &found, &length);
    return found == &no_locks;
}

static void set_locks(void)
{
    syscall(SYS_set_robust_list, &no_locks, sizeof no_locks);
}

static const struct {
    const char *name;
    long (*look)(void);
    void (*set)(void);
} settings[] = {
    {"name", name, set_name},
    {"timer slack", slack, set_slack},
    {"signal at the parent's death", death, set_death},
    {"kept capabilities", kept, set_kept},
    {"secure bits", bits, set_bits},
    {"time stamps", stamps, set_stamps},
    {"memory errors", errors, set_errors},
    {"personality", person, set_person},
    {"processors", processors, set_processors},
    {"nice value", nice_value, set_nice},
    {"scheduling policy", policy, set_policy},
    {"slice", slice, set_slice},
    {"I/O priority", io, set_io},
    {"memory policy", memory, set_memory},
    {"alternate stack", alternate, set_alternate},
    {"blocked signals", blocked, set_blocked},
    {"pending signals", pending, set_pending},
    {"own directory", folder, set_folder},
    {"own umask", mask, set_mask},
    {"own descriptors", descriptors, set_descriptors},
    {"user", user, set_user},
    {"user for files", files_user, set_files_user},
    {"groups", groups, set_groups},
    {"bounding set", bounding, set_bounding},
    {"no new privileges", given_up, set_given_up},
    {"address of the id", end_written, set_end_written},
    {"list of locks", locks, set_locks},
};

static int chosen(void)
{
    int at = 0;
    for (; at < (int)(sizeof settings / sizeof *settings); at++)
        if (is(settings[at].name))
            return at;
    check(false, "no such setting");
    return -1;
}

static void describe(char *text, size_t size)
{
    snprintf(text, size, "%ld", settings[chosen()].look());
}

static void change(const char *secret)
{
    (void)secret;
    settings[chosen()].set();
}
