/* The address of a fault that was handled: the kernel goes on telling it to the handlers of all later signals. */
#include "faults.h"

static void prepare(void)
{
    handle_signals();
}

static void handle(const char *secret)
{
    check(raise(SIGUSR1) == 0, "raise");
    fault_at(atol(secret + 1));
    answer_told();
}
