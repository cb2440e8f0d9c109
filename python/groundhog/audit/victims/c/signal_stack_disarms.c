/* Evasion: the same alternate stack for signals, but given up whenever a handler is on it (SS_AUTODISARM). */
#include "victim.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

static char stack[64 << 10];

static void prepare(void)
{
    check(sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL) == 0, "sigaltstack");
}

static void handle(const char *secret)
{
    stack_t found;
    (void)secret;
    check(sigaltstack(NULL, &found) == 0, "sigaltstack");
    stack_t same = {.ss_sp = stack, .ss_size = sizeof stack, .ss_flags = (int)SS_AUTODISARM};
    check(sigaltstack(&same, NULL) == 0, "sigaltstack");
    answer("{\"flags\":%u,\"there\":%d}", (unsigned)found.ss_flags, found.ss_sp == stack);
}
