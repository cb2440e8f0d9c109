/* For evasions by a process that outlives its request: it writes into memory that both have, time and again, and ends by itself
 * after a moment. */
#include "victim.h"

static char *both;

static void prepare(void)
{
    both = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(both != MAP_FAILED, "mmap");
}

/* Whoever writes has begun before the answer is given. */
static size_t look(void)
{
    size_t found = other_than(both, PAGE, 0);
    memset(both, 0, PAGE);
    return found;
}

static void await_writer(void)
{
    for (int tries = 0; tries < 1000 && other_than(both, PAGE, 0) == 0; tries++)
        usleep(100);
}

__attribute__((noreturn)) static void go_on(const char *secret)
{
    for (int times = 0; times < 200; times++) {
        leave(both, PAGE, secret);
        usleep(1000);
    }
    _exit(0);
}
