/* Evasion: the alternate signal stack is set by returning from a handler, without a call to sigaltstack(2). */
#include "victim.h"
#include <ucontext.h>

static char stack[64 << 10];

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info;
    ((ucontext_t *)context)->uc_stack = (stack_t){.ss_sp = stack, .ss_size = sizeof stack};
}

static void prepare(void)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    check(sigaction(SIGUSR1, &action, NULL) == 0, "sigaction");
}

static void handle(const char *secret)
{
    stack_t before;
    (void)secret;
    check(sigaltstack(NULL, &before) == 0, "sigaltstack");
    raise(SIGUSR1);
    answer("{\"stack\":%s}", before.ss_flags & SS_DISABLE ? "false" : "true");
}
