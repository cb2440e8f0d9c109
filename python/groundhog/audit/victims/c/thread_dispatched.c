/* Evasion: calls of a thread that a request starts become signals of it (syscall user dispatch), but for those from a few bytes of its
 * own: suppressed as signals are, it goes on behind the call that an engine has it make, to where its stack says. */
#include "victim.h"
#include "unjudged.h"
#include <linux/prctl.h>

enum { STACK_SIZE = 16 * PAGE };
__attribute__((used)) static char selector;

__asm__(".text\n"
        "own_code:\n"
        "asleep:\n"
        "mov $34, %eax\n" /* pause */
        "syscall\n"
        "jmp asleep\n"
        "gone_on:\n"
        "movb $0, selector(%rip)\n" UNJUDGED_CODE "own_end:\n");
extern char own_code[], gone_on[], own_end[];

static void *work(void *stack)
{
    uintptr_t *words = (uintptr_t *)map_anonymous(NULL, STACK_SIZE);
    for (size_t at = 0; at < STACK_SIZE / sizeof *words; at++)
        words[at] = (uintptr_t)gone_on;
    check(prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, own_code, (size_t)(own_end - own_code), &selector) == 0,
          "dispatch");
    atomic_store(&sleeper, thread_id());
    selector = SYSCALL_DISPATCH_FILTER_BLOCK;
    __asm__ volatile("mov %0, %%rsp\n"
                     "mov %0, %%rbp\n"
                     "jmp own_code"
                     :
                     : "r"((char *)words + STACK_SIZE / 2)
                     : "memory");
    return stack;
}

static void prepare(void)
{
}

static void handle(const char *secret)
{
    unsigned long found = handler_now();
    selector = SYSCALL_DISPATCH_FILTER_ALLOW;
    start_sleeper(work, secret);
    answer("{\"handler\":%lu}", found);
}
