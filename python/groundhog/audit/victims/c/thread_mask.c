/* Evasion: which signals a thread that is not the first blocks, changed by the frame of a handler that returns. */
#define PREPARES_ITSELF
#include "of_thread.h"
#include <ucontext.h>

static void on_signal(int number, siginfo_t *information, void *context)
{
    (void)number;
    (void)information;
    sigdelset(&((ucontext_t *)context)->uc_sigmask, SIGUSR2);
}

static void prepare(void)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    check(sigaction(SIGUSR1, &action, NULL) == 0, "sigaction");
    start_other();
}

static void describe(char *text, size_t size)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    check(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0, "pthread_sigmask");
    check(pthread_sigmask(SIG_SETMASK, NULL, &set) == 0, "pthread_sigmask");
    snprintf(text, size, "blocked %d", sigismember(&set, SIGUSR2));
}

static void change(const char *secret)
{
    (void)secret;
    check(raise(SIGUSR1) == 0, "raise");
}
