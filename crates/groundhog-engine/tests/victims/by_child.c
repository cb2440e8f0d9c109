/* What a child can do to its parent: by its number, through open files that both have, through memory that both have,
 * and with objects that outlive both. */
#include "case.h"
#include <sched.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/wait.h>

static pid_t parent;
static int file = -1, sockets[2];
static char *page;

static void prepare(void)
{
    char path[256];
    parent = getpid();
    page = map_anonymous(NULL, PAGE);
    file = temporary_file(path);
    unlink(path);
    check(file >= 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0, "open files");
}

static int meddle(void *unused)
{
    (void)unused;
    if (is("limit")) {
        struct rlimit limit;
        check(prlimit(parent, RLIMIT_NOFILE, NULL, &limit) == 0, "prlimit");
        limit.rlim_cur = 100;
        check(prlimit(parent, RLIMIT_NOFILE, &limit, NULL) == 0, "prlimit");
    } else if (is("affinity")) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(sched_getcpu(), &one);
        check(sched_setaffinity(parent, sizeof one, &one) == 0, "sched_setaffinity");
    } else if (is("lock"))
        check(flock(file, LOCK_EX) == 0, "flock");
    else if (is("duplicate"))
        check(flock(dup(file), LOCK_EX) == 0, "flock");
    else if (is("unreadable")) /* it cannot be looked at any more */
        check(prctl(PR_SET_DUMPABLE, 0) == 0 && flock(file, LOCK_EX) == 0, "flock");
    else if (is("stranger"))
        (void)!sched_setscheduler(1, SCHED_OTHER, &(struct sched_param){0});
    else if (is("group"))
        (void)!setpriority(PRIO_PGRP, 0, getpriority(PRIO_PGRP, 0));
    else if (is("option"))
        check(setsockopt(sockets[0], SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)) == 0, "setsockopt");
    else if (is("memory"))
        check(mlock(page, PAGE) == 0, "mlock");
    else if (is("object"))
        check(shmctl(shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600), IPC_RMID, NULL) == 0, "shmget");
    else { /* "own": nothing of its parent's */
        check(sched_yield() == 0 && setpgid(0, 0) == 0, "setpgid");
        umask(077);
        check(chdir("/") == 0 && close(file) == 0, "chdir");
    }
    _exit(0);
}

static void handle(const char *secret)
{
    static char stack[16 * PAGE] __attribute__((aligned(16)));
    int status;
    struct rlimit limit;
    cpu_set_t set;
    char path[64];
    (void)secret;
    check(getrlimit(RLIMIT_NOFILE, &limit) == 0 && sched_getaffinity(0, sizeof set, &set) == 0, "asking");
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    int again = open(path, O_RDWR | O_CLOEXEC);
    bool locked = again >= 0 && flock(again, LOCK_EX | LOCK_NB) != 0;
    close(again);
    /* An earlier one's lock stays as long as the file is open: a later child need not wait for it. */
    if (locked && (is("lock") || is("duplicate") || is("unreadable"))) {
        answer("locked");
        return;
    }
    char memory[64];
    snprintf(memory, sizeof memory, "%s", status_field("VmLck"));
    pid_t child = clone(meddle, stack + sizeof stack, (is("memory") ? CLONE_VM : 0) | SIGCHLD, NULL);
    check(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0, "a child");
    answer("low %d, one %d, locked %d, memory %s", limit.rlim_cur == 100, CPU_COUNT(&set) == 1, locked, memory);
}
