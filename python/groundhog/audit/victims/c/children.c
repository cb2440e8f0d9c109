/* Processes left behind: a child, a grandchild that left the session, a child that shares the memory and keeps writing
 * to it, and one that has ended but is not reaped. Each holds an abstract socket, which dies with it. */
#include "victim.h"
#include <sys/socket.h>
#include <sys/un.h>

enum { CHILD, DAEMON, SHARING, KINDS };
static volatile char scribbled[PAGE];
static char vm_stack[64 << 10];
static char own_secret[SECRET_SIZE];
static pid_t owner;

/* Whoever binds a name holds it as long as it lives; -1 means that it is taken. */
static int hold(int kind)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int length = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "victim-%d-%d", owner, kind);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    check(fd >= 0, "socket");
    if (bind(fd, (struct sockaddr *)&name, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length)) == 0)
        return fd;
    check(errno == EADDRINUSE, "bind");
    close(fd);
    return -1;
}

static bool taken(int kind)
{
    int fd = hold(kind);
    if (fd >= 0)
        close(fd);
    return fd < 0;
}

static int live(void *kind)
{
    while (hold((int)(intptr_t)kind) < 0) /* someone who looks holds it for a moment */
        usleep(100);
    for (;;) {
        if ((intptr_t)kind == SHARING)
            leave((void *)scribbled, sizeof scribbled, own_secret);
        usleep(1000);
    }
    return 0;
}

static void prepare(void)
{
    owner = getpid();
}

static void handle(const char *secret)
{
    bool found[KINDS] = {taken(CHILD), taken(DAEMON), taken(SHARING)};
    size_t memory = other_than((const char *)scribbled, sizeof scribbled, 0);
    int zombies = 0;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        zombies++;
    strcpy(own_secret, secret);
    if (!found[CHILD] && fork() == 0)
        live((void *)CHILD);
    if (!found[DAEMON]) {
        pid_t middle = fork();
        if (middle == 0) {
            setsid();
            if (fork() == 0) {
                check(chdir("/") == 0, "chdir");
                prctl(PR_SET_NAME, "innocent");
                live((void *)DAEMON);
            }
            _exit(0);
        }
        check(waitpid(middle, NULL, 0) == middle, "waitpid");
    }
    if (!found[SHARING])
        check(clone(live, vm_stack + sizeof vm_stack, CLONE_VM | SIGCHLD, (void *)SHARING) > 0, "clone");
    if (fork() == 0)
        _exit(0);
    /* All of them are there before the answer is. */
    for (int kind = 0; kind < KINDS; kind++)
        while (!taken(kind))
            usleep(100);
    while (other_than((const char *)scribbled, sizeof scribbled, 0) == 0)
        usleep(100);
    answer("{\"child\":%d,\"daemon\":%d,\"sharing\":%d,\"memory\":%s,\"zombies\":%d}", found[CHILD], found[DAEMON],
           found[SHARING], memory ? "true" : "false", zombies);
}
