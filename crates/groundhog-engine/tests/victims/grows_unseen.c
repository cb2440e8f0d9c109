/* A mapping that grows down and is wiped in children, so that nobody follows it: what tries to run code below it has it grow, with no call
 * and no page. */
#include "case.h"
#include <setjmp.h>

enum { ROOM = 4 << 20, SIZE = 4 * PAGE };

static char *stack;
static sigjmp_buf away;

static void leave_it(int signal)
{
    (void)signal;
    siglongjmp(away, 1);
}

static void prepare(void)
{
    struct sigaction action = {.sa_handler = leave_it};
    char *room = map_anonymous(NULL, ROOM);
    check(munmap(room, ROOM) == 0, "munmap");
    stack = mmap(room + ROOM / 2, SIZE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
    check(stack != MAP_FAILED && madvise(stack, SIZE, MADV_WIPEONFORK) == 0, "a stack");
    leave(stack, SIZE, "clean");
    check(sigaction(SIGSEGV, &action, NULL) == 0, "sigaction");
}

static void run(const char *code)
{
    if (sigsetjmp(away, 1) == 0)
        ((void (*)(void))(uintptr_t)code)();
}

static void handle(const char *secret)
{
    unsigned grown = 0;
    while (grown < 300 && is_mapped(stack - (grown + 1) * PAGE, PAGE))
        grown++;
    run(stack - (1 + (unsigned char)secret[7]) * PAGE);
    answer("{\"grown\":%u}", grown);
}
