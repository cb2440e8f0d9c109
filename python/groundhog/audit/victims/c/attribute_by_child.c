/* Evasion: a child changes its parent, whom it names, and locks a file that both have open, by another number, having made
 * itself unreadable first. */
#include "victim.h"
#include <sys/file.h>

static int file;

static void prepare(void)
{
    char path[256];
    file = temporary_file(path);
    unlink(path);
}

static bool is_locked(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    int again = open(path, O_RDWR | O_CLOEXEC);
    check(again >= 0, "open");
    bool locked = flock(again, LOCK_EX | LOCK_NB) != 0;
    close(again);
    return locked;
}

static void meddle(pid_t parent)
{
    struct rlimit limit;
    cpu_set_t set;
    check(prlimit(parent, RLIMIT_NOFILE, NULL, &limit) == 0, "prlimit");
    limit.rlim_cur = 64;
    check(prlimit(parent, RLIMIT_NOFILE, &limit, NULL) == 0, "prlimit");
    check(sched_getaffinity(parent, sizeof set, &set) == 0, "sched_getaffinity");
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&set) > 1; cpu++)
        CPU_CLR(cpu, &set);
    check(sched_setaffinity(parent, sizeof set, &set) == 0, "sched_setaffinity");
    check(prctl(PR_SET_DUMPABLE, 0) == 0, "prctl");
    check(flock(dup(file), LOCK_EX | LOCK_NB) == 0 || errno == EWOULDBLOCK, "flock");
    _exit(0);
}

static void handle(const char *secret)
{
    struct rlimit limit;
    cpu_set_t set;
    int status;
    (void)secret;
    check(getrlimit(RLIMIT_NOFILE, &limit) == 0 && sched_getaffinity(0, sizeof set, &set) == 0, "asking");
    bool locked = is_locked();
    pid_t parent = getpid(), child = fork();
    if (child == 0)
        meddle(parent);
    check(child > 0 && waitpid(child, &status, 0) == child && status == 0, "a child");
    answer("{\"low\":%d,\"one\":%d,\"locked\":%d}", limit.rlim_cur == 64, CPU_COUNT(&set) == 1, locked);
}
