/* What it does upon every signal, where the engine asks for all of it at once ("plain"), and where it has to ask one after
 * the other: nothing that was written is ever executed ("unexecutable"), or traps are ignored ("untrapped"). */
#include "case.h"
#include <sys/prctl.h>

enum { PR_SET_MDWE_ = 65, REFUSE_EXEC_GAIN = 1 };

static int absent;

static void on_signal(int number)
{
    (void)number;
}

static void prepare(void)
{
    if (is("unexecutable"))
        absent = prctl(PR_SET_MDWE_, REFUSE_EXEC_GAIN, 0, 0, 0) != 0;
    if (is("untrapped"))
        check(signal(SIGTRAP, SIG_IGN) != SIG_ERR, "signal");
}

/* Numbers of signals that have a handler, and of those of them that block others in it. */
static void handle(const char *secret)
{
    int handled = 0, blocking = 0;
    (void)secret;
    for (int number = 1; number < NSIG; number++) {
        struct sigaction before, action = {.sa_handler = on_signal, .sa_flags = number % 2 ? SA_RESTART : SA_NODEFER};
        if (number == SIGKILL || number == SIGSTOP || number == SIGTRAP || sigaction(number, NULL, &before) != 0)
            continue;
        handled += before.sa_handler == on_signal;
        blocking += sigismember(&before.sa_mask, SIGUSR1);
        sigaddset(&action.sa_mask, number % 3 ? SIGUSR1 : SIGUSR2);
        check(sigaction(number, &action, NULL) == 0, "sigaction");
    }
    if (absent)
        answer("absent");
    else
        answer("{\"handled\":%d,\"blocking\":%d}", handled, blocking);
}
