/* Evasion: an alternate stack that is given up while a handler is on it (SS_AUTODISARM) stays given up, since the handler jumps away
 * instead of returning: no call sets another stack. */
#include "victim.h"
#include <setjmp.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

static char stack[64 << 10];
static sigjmp_buf interrupted;

static void on_signal(int number)
{
    siglongjmp(interrupted, number);
}

static void prepare(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack, .ss_flags = (int)SS_AUTODISARM};
    check(sigaltstack(&alternate, NULL) == 0 && sigaction(SIGUSR2, &action, NULL) == 0, "sigaltstack");
}

static void handle(const char *secret)
{
    stack_t found;
    (void)secret;
    check(sigaltstack(NULL, &found) == 0, "sigaltstack");
    if (sigsetjmp(interrupted, 1) == 0)
        check(raise(SIGUSR2) == 0, "raise");
    answer("{\"there\":%d}", found.ss_sp == stack && !(found.ss_flags & SS_DISABLE));
}
