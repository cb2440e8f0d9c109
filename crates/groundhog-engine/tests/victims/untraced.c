/* A child that no tracer is told of, made by a process that nobody forbade it. */
#include "case.h"

static void prepare(void) {}

static void handle(const char *secret)
{
    (void)secret;
    int dies[2];
    char byte;
    pid_t parent = getpid();
    check(pipe2(dies, O_CLOEXEC) == 0, "pipe");
    long child = syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(0);
        (void)!write(dies[1], "", 1);
        for (;;)
            pause();
    }
    /* Nobody else would end it. */
    check(child > 0 && read(dies[0], &byte, 1) == 1, "clone");
    answer("made");
}
