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
        struct rlimit limit = {100, 100};
        check(prlimit(parent, RLIMIT_CORE, &limit, NULL) == 0 || errno == EPERM, "prlimit");
    } else if (is("affinity")) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(sched_getcpu(), &one);
        check(sched_setaffinity(parent, sizeof one, &one) == 0, "sched_setaffinity");
    } else if (is("lock"))
        check(flock(file, LOCK_EX) == 0, "flock");
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
    (void)secret;
    pid_t child = clone(meddle, stack + sizeof stack, (is("memory") ? CLONE_VM : 0) | SIGCHLD, NULL);
    check(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0, "a child");
    answer("done");
}
