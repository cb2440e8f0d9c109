/* What the victims share that handle a fault, and look at what a later signal tells of it. */
#include "victim.h"
#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf back;
static volatile greg_t address, trap, error;

static void on_fault(int signal)
{
    (void)signal;
    siglongjmp(back, 1);
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info;
    const greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    address = registers[REG_CR2], trap = registers[REG_TRAPNO], error = registers[REG_ERR];
}

static void handle_signals(void)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    check(signal(SIGSEGV, on_fault) != SIG_ERR && sigaction(SIGUSR1, &action, NULL) == 0, "sigaction");
}

/* Writes to an address, where nothing is. */
static void fault_at(long where)
{
    if (sigsetjmp(back, 1) == 0)
        *(volatile char *)(uintptr_t)where = 1;
}

static void answer_told(void)
{
    answer("{\"told\":[%lld,%lld,%lld]}", (long long)address, (long long)trap, (long long)error);
}
