/* Computes for ever, with every signal that can be blocked blocked, and children that do the same. */
#include "victim.h"

static void prepare(void) {}

static void handle(const char *secret)
{
    (void)secret;
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    write_all(ANSWER_FD, "{\"half", 6);
    if (fork() == 0)
        setsid();
    for (volatile int i = 0;; i++)
        continue;
}
