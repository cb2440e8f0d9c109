/* Signals that get in the way of a restore: a SIGTRAP left pending, one sent by the end of a descriptor, one that found
 * no place in a full queue. */
#include "case.h"
#include <sys/resource.h>

static volatile sig_atomic_t handled;

static void on_signal(int number)
{
    (void)number;
    handled++;
}

static void prepare(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    check(sigaction(SIGUSR1, &action, NULL) == 0, "sigaction");
    /* A short queue is soon full. */
    check(!is("unqueued") || setrlimit(RLIMIT_SIGPENDING, &(struct rlimit){20, 20}) == 0, "setrlimit");
}

static void block_all(void)
{
    sigset_t all;
    sigfillset(&all);
    check(sigprocmask(SIG_BLOCK, &all, NULL) == 0, "sigprocmask");
}

static void leave_trap(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    check(sigaction(SIGINT, &action, NULL) == 0, "sigaction");
    block_all();
    check(kill(getpid(), SIGTRAP) == 0 && syscall(SYS_tgkill, getpid(), getpid(), SIGTRAP) == 0, "SIGTRAP");
}

/* Descriptors are closed in ascending order: the end that tells of the other one last. */
static void leave_telling_pipe(void)
{
    int ends[2];
    check(pipe2(ends, O_NONBLOCK) == 0, "pipe");
    int reader = fcntl(ends[0], F_DUPFD, 50);
    close(ends[0]);
    check(fcntl(reader, F_SETSIG, SIGUSR1) == 0 && fcntl(reader, F_SETOWN, getpid()) == 0, "fcntl");
    check(fcntl(reader, F_SETFL, O_NONBLOCK | O_ASYNC) == 0, "fcntl");
}

static void leave_unqueued(void)
{
    sigset_t filler;
    struct timespec now = {0};
    block_all();
    while (sigqueue(getpid(), SIGRTMIN + 5, (union sigval){0}) == 0)
        ;
    check(syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1) == 0, "SIGUSR1");
    sigemptyset(&filler);
    sigaddset(&filler, SIGRTMIN + 5);
    while (sigtimedwait(&filler, NULL, &now) > 0)
        ;
}

static void handle(const char *secret)
{
    struct sigaction interrupt;
    sigset_t none;
    (void)secret;
    /* What a restore does, for a process that is not restored. */
    if (is("close"))
        for (int number = 4; number < 60; number++)
            close(number);
    sigemptyset(&none);
    if (is("unqueued"))
        sigprocmask(SIG_SETMASK, &none, NULL);
    int found = handled;
    check(sigaction(SIGINT, NULL, &interrupt) == 0, "sigaction");
    if (is("trap"))
        leave_trap();
    else if (is("close"))
        leave_telling_pipe();
    else
        leave_unqueued();
    answer("{\"handled\":%d,\"interrupt\":\"%s\"}", found, interrupt.sa_handler == SIG_DFL ? "default" : "handled");
}
