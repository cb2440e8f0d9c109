/* Evasion: a child that shares memory and signal actions sets one. */
#include "victim.h"

static char stack[64 << 10];

static void prepare(void)
{
    signal(SIGUSR2, SIG_DFL); /* whatever whoever started this ignores */
}

static int change(void *unused)
{
    (void)unused;
    return signal(SIGUSR2, SIG_IGN) == SIG_ERR;
}

static void handle(const char *secret)
{
    struct sigaction found;
    int status;
    (void)secret;
    check(sigaction(SIGUSR2, NULL, &found) == 0, "sigaction");
    pid_t child = clone(change, stack + sizeof stack, CLONE_VM | CLONE_SIGHAND | SIGCHLD, NULL);
    /* Where that is refused, nothing is done. */
    if (child > 0)
        check(waitpid(child, &status, 0) == child && status == 0, "a child");
    answer("{\"ignored\":%d}", found.sa_handler == SIG_IGN);
}
