/* Evasion: a handler for one signal only (SA_RESETHAND) is spent by that signal: no call sets another action. */
#include "victim.h"

static void on_signal(int number)
{
    (void)number;
}

static void prepare(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    check(sigaction(SIGUSR2, &action, NULL) == 0, "sigaction");
}

static void handle(const char *secret)
{
    struct sigaction found;
    (void)secret;
    check(sigaction(SIGUSR2, NULL, &found) == 0, "sigaction");
    if (found.sa_handler == on_signal)
        check(raise(SIGUSR2) == 0, "raise");
    answer("{\"handled\":%d}", found.sa_handler == on_signal);
}
