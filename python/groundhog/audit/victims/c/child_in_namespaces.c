/* Evasion: a child enters a user namespace, where it has every privilege, and one of process ids, and starts the writer there: it is
 * the first process of its kind, to which few signals can be sent. */
#include "late.h"

static void handle(const char *secret)
{
    size_t found = look();
    int status;
    pid_t child = fork();
    if (child == 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0)
            _exit(1);
        pid_t first = fork();
        if (first == 0) {
            sigset_t all;
            sigfillset(&all);
            sigprocmask(SIG_BLOCK, &all, NULL);
            setsid();
            go_on(secret);
        }
        _exit(first < 0);
    }
    check(child > 0 && waitpid(child, &status, 0) == child, "a child");
    if (status == 0)
        await_writer();
    answer("{\"changed\":%d}", found != 0);
}
