/* Evasion: the address of a fault of a thread that makes no calls of ours. */
#include "victim.h"
#include <semaphore.h>
#include <setjmp.h>
#include <ucontext.h>

static sem_t asked, done;
static sigjmp_buf back;
static long where;
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

static void *work(void *unused)
{
    (void)unused;
    for (;;) {
        while (sem_wait(&asked) != 0)
            continue;
        check(pthread_kill(pthread_self(), SIGUSR1) == 0, "pthread_kill");
        if (sigsetjmp(back, 1) == 0)
            *(volatile char *)(uintptr_t)where = 1;
        sem_post(&done);
    }
    return NULL;
}

static void prepare(void)
{
    pthread_t thread;
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    check(signal(SIGSEGV, on_fault) != SIG_ERR && sigaction(SIGUSR1, &action, NULL) == 0, "sigaction");
    check(sem_init(&asked, 0, 0) == 0 && sem_init(&done, 0, 0) == 0, "sem_init");
    check(pthread_create(&thread, NULL, work, NULL) == 0, "pthread_create");
}

static void handle(const char *secret)
{
    where = atol(secret + 1);
    sem_post(&asked);
    while (sem_wait(&done) != 0)
        continue;
    answer("{\"told\":[%lld,%lld,%lld]}", (long long)address, (long long)trap, (long long)error);
}
