/* Evasion: the foreground group of a terminal, set to one whose only process has ended. */
#include "pty.h"

static void prepare(void)
{
    check(setsid() > 0 || getsid(0) == getpid(), "setsid");
    open_terminal();
    check(ioctl(terminal, TIOCSCTTY, 0) == 0, "TIOCSCTTY");
}

static void handle(const char *secret)
{
    int status;
    bool own = tcgetpgrp(terminal) == getpgrp();
    (void)secret;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGTTOU, SIG_IGN);
        (void)!setpgid(0, 0);
        (void)!tcsetpgrp(terminal, getpid());
        _exit(0);
    }
    check(child > 0 && waitpid(child, &status, 0) == child && status == 0, "fork");
    answer("{\"own\":%d}", own);
}
