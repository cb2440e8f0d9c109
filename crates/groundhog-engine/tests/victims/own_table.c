/* Descriptors kept where only one thread sees them, or closed on the way to another program only. */
#include "case.h"
#include <linux/close_range.h>

static int command[2];

static void *wait_and_unshare(void *unused)
{
    char byte;
    check(read(command[0], &byte, 1) == 1, "read");
    check(syscall(SYS_close_range, 200, 300, CLOSE_RANGE_UNSHARE) == 0, "close_range");
    check(dup2(command[1], 200) == 200, "dup2");
    answer("done");
    for (;;)
        pause();
    return unused;
}

static void prepare(void)
{
    pthread_t thread;
    check(pipe2(command, O_CLOEXEC) == 0, "pipe");
    if (is("thread"))
        check(pthread_create(&thread, NULL, wait_and_unshare, NULL) == 0, "pthread_create");
}

static void handle(const char *secret)
{
    (void)secret;
    if (is("thread")) {
        check(write(command[1], "x", 1) == 1, "write");
        return; /* the other thread answers */
    }
    /* "flag": the snapshot's descriptor comes back without its close-on-exec flag. */
    bool set = fcntl(command[0], F_GETFD) & FD_CLOEXEC;
    int kept = fcntl(command[0], F_DUPFD_CLOEXEC, 100);
    check(syscall(SYS_close_range, command[0], command[0], 0) == 0, "close_range");
    check(fcntl(kept, F_DUPFD, command[0]) == command[0], "F_DUPFD");
    close(kept);
    answer("{\"closed on exec\":%s}", set ? "true" : "false");
}
