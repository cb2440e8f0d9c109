/* For evasions by a child, no thread, that shares something with the process, and so changes it in its place. */
#include "victim.h"

/* Does it by such a child; where that is refused, nothing is done. */
static void by_child_sharing(unsigned long what, void (*change)(const char *secret), const char *secret)
{
    int status;
    pid_t child = (pid_t)syscall(SYS_clone, what | SIGCHLD, NULL, NULL, NULL, 0);
    if (child == 0) {
        change(secret);
        _exit(0);
    }
    if (child > 0)
        check(waitpid(child, &status, 0) == child && status == 0, "a child");
}
