/* Evasion: system calls from anywhere but the C library become signals of this thread (syscall user dispatch): its own calls go
 * on, those that an engine makes in its name elsewhere do not. */
#include "victim.h"
#include <linux/prctl.h>

static volatile sig_atomic_t dispatched;
static unsigned long start, length;

static void on_dispatch(int number)
{
    dispatched += number == SIGSYS;
}

/* Where the C library's code lies. */
static void prepare(void)
{
    unsigned long from, to;
    char line[4096], name[4096];
    FILE *maps = fopen("/proc/self/maps", "re");
    check(maps != NULL && signal(SIGSYS, on_dispatch) != SIG_ERR, "maps");
    while (fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%lx-%lx r-xp %*s %*s %*s %4095s", &from, &to, name) == 3 && strstr(name, "/libc.so") != NULL)
            start = from, length = to - from;
    }
    fclose(maps);
    check(length != 0, "the C library");
}

/* A call from here. */
static void call(void)
{
    long result = SYS_getppid;
    __asm__ volatile("syscall" : "+a"(result) : : "rcx", "r11", "memory");
}

static void handle(const char *secret)
{
    (void)secret;
    dispatched = 0;
    call();
    int found = dispatched;
    prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, start, length, 0);
    answer("{\"dispatched\":%d}", found);
}
