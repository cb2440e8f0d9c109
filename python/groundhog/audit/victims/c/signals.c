/* Signal state: handlers, mask, signals left pending (for the process and for the thread), the alternate stack. */
#include "victim.h"

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
    caught = number;
}

static void prepare(void) {}

static void handle(const char *secret)
{
    char blocked[64], handled[64], pending[64], shared[64];
    (void)secret;
    snprintf(blocked, sizeof blocked, "%s", status_field("SigBlk"));
    snprintf(handled, sizeof handled, "%s", status_field("SigCgt"));
    snprintf(pending, sizeof pending, "%s", status_field("SigPnd"));
    snprintf(shared, sizeof shared, "%s", status_field("ShdPnd"));
    stack_t alternate;
    check(sigaltstack(NULL, &alternate) == 0, "sigaltstack");
    int before = caught;

    static char stack[64 << 10];
    check(sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL) == 0, "sigaltstack");
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_RESTART};
    check(sigaction(SIGUSR1, &action, NULL) == 0 && sigaction(SIGTERM, &action, NULL) == 0, "sigaction");
    signal(SIGPIPE, SIG_IGN);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    sigaddset(&mask, SIGRTMIN);
    check(sigprocmask(SIG_BLOCK, &mask, NULL) == 0, "sigprocmask");
    raise(SIGUSR1);
    raise(SIGUSR2);
    check(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 7}) == 0, "sigqueue");
    answer("{\"blocked\":\"%s\",\"handled\":\"%s\",\"pending\":\"%s\",\"shared\":\"%s\",\"stack\":%s,\"caught\":%d}", blocked,
           handled, pending, shared, alternate.ss_flags & SS_DISABLE ? "false" : "true", before);
}
