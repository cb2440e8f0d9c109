/* Arguments above 4 GiB whose low half looks like no argument at all. */
#include "case.h"
#include <sys/mman.h>

static void on_signal(int number)
{
    (void)number;
}

static void prepare(void) {}

static void handle(const char *secret)
{
    struct sigaction before;
    (void)secret;
    check(sigaction(SIGUSR2, NULL, &before) == 0, "sigaction");
    char *far = mmap((void *)0x700000000, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    check(far == (void *)0x700000000, "mmap");
    struct {
        void (*handler)(int);
        unsigned long flags;
        void (*restorer)(void);
        unsigned long mask;
    } *action = (void *)far;
    action->handler = on_signal;
    action->flags = 0;
    check(syscall(SYS_rt_sigaction, SIGUSR2, action, NULL, 8) == 0, "rt_sigaction");
    answer("{\"action\":\"%s\"}", before.sa_handler == SIG_DFL ? "default" : "changed");
}
