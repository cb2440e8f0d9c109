/* What becomes of signals: a handler and an ignored signal, each with one signal that comes before it is looked at. */
#include "victim.h"

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
    caught = number;
}

static void prepare(void)
{
    check(signal(SIGUSR1, SIG_IGN) != SIG_ERR, "signal");
}

static void handle(const char *secret)
{
    struct sigaction first, second;
    (void)secret;
    check(sigaction(SIGUSR1, NULL, &first) == 0 && sigaction(SIGUSR2, NULL, &second) == 0, "sigaction");
    raise(SIGUSR1);
    int seen = caught;
    check(signal(SIGUSR1, on_signal) != SIG_ERR && signal(SIGUSR2, SIG_IGN) != SIG_ERR, "signal");
    answer("{\"first\":\"%s\",\"second\":\"%s\",\"caught\":%d}", first.sa_handler == SIG_IGN ? "ignored" : "handled",
           second.sa_handler == SIG_DFL ? "default" : "changed", seen);
}
