/* A child that has ended before the snapshot, and that nobody has waited for: the request that does takes it away. */
#include "victim.h"

static void prepare(void)
{
    pid_t child = fork();
    check(child >= 0, "fork");
    if (child == 0)
        _exit(7);
    siginfo_t ended;
    check(waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT) == 0, "waitid");
}

static void handle(const char *secret)
{
    int status = 0;
    (void)secret;
    bool waited = waitpid(-1, &status, WNOHANG) > 0;
    answer("{\"waited for\":%d,\"status\":%d}", waited, WEXITSTATUS(status));
}
