/* By which number signals tell of input: that by which it was last asked for. Here by a duplicate, with the same flags afterwards. */
#include "victim.h"

static int ends[2];
static sigset_t told;

static void ask(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    check(fcntl(fd, F_SETFL, flags & ~O_ASYNC) == 0 && fcntl(fd, F_SETFL, flags | O_ASYNC) == 0, "F_SETFL");
}

static void prepare(void)
{
    sigemptyset(&told);
    sigaddset(&told, SIGRTMIN);
    check(sigprocmask(SIG_BLOCK, &told, NULL) == 0 && pipe2(ends, O_CLOEXEC) == 0, "pipe");
    check(fcntl(ends[0], F_SETOWN, getpid()) == 0 && fcntl(ends[0], F_SETSIG, SIGRTMIN) == 0, "F_SETSIG");
    ask(ends[0]);
}

static void handle(const char *secret)
{
    char byte = 0;
    siginfo_t info;
    const struct timespec none = {0};
    (void)secret;
    check(write(ends[1], &byte, 1) == 1 && sigtimedwait(&told, &info, &none) == SIGRTMIN, "SIGRTMIN");
    int number = info.si_fd;
    check(read(ends[0], &byte, 1) == 1, "read");
    while (sigtimedwait(&told, &info, &none) > 0)
        continue;
    int other = fcntl(ends[0], F_DUPFD_CLOEXEC, number + 1);
    check(other >= 0, "dup");
    ask(other);
    close(other);
    answer("{\"number\":%d}", number - ends[0]);
}
