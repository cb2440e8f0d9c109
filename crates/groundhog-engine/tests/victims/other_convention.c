/* A child that makes a call by another convention than ours: of 32-bit programs, or x32. */
#include "case.h"
#include <sys/wait.h>

static void prepare(void) {}

static void handle(const char *secret)
{
    int status = 0;
    (void)secret;
    pid_t child = fork();
    if (child == 0) {
        if (is("x32"))
            syscall(0x40000000L | SYS_getpid);
        else
            __asm__ volatile("int $0x80" : : "a"(20) : "memory"); /* getpid */
        _exit(0);
    }
    check(child > 0 && waitpid(child, &status, 0) == child, "waitpid");
    answer("%s", WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ? "ended" : "went on");
}
