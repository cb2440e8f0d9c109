/* What tells of children that end: the signal, blocked, and who can be waited for. One child ends by itself, one is left running,
 * one has stopped: ending them leaves such signals, too. */
#include "victim.h"

static sigset_t set;

static void prepare(void)
{
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    check(sigprocmask(SIG_BLOCK, &set, NULL) == 0, "sigprocmask");
}

static pid_t child(void (*live)(void))
{
    pid_t made = fork();
    if (made == 0) {
        live();
        _exit(3);
    }
    check(made > 0, "fork");
    return made;
}

static void nothing(void) {}

static void lasting(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
        pause();
}

static void stopped(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
        raise(SIGSTOP);
}

static void handle(const char *secret)
{
    siginfo_t told = {0}, ended = {0};
    (void)secret;
    bool waits = sigtimedwait(&set, &told, &(struct timespec){0}) > 0;
    int anybody = waitid(P_ALL, 0, &ended, WEXITED | WSTOPPED | WNOHANG | WNOWAIT);
    pid_t gone = child(nothing), halted = child(stopped);
    child(lasting);
    check(waitid(P_PID, (id_t)gone, &ended, WEXITED | WNOWAIT) == 0, "waitid");
    /* Whoever traces it may keep the stop to himself. */
    for (int tries = 0; tries < 50; tries++) {
        ended.si_pid = 0;
        if (waitid(P_PID, (id_t)halted, &ended, WSTOPPED | WNOWAIT | WNOHANG) == 0 && ended.si_pid == halted)
            break;
        usleep(1000);
    }
    answer("{\"signal\":%d,\"children\":%d}", waits, anybody == 0);
}
