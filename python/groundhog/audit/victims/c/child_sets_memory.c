/* Evasion: a child that shares the memory sets what belongs to it: whether it is dumped, gets huge pages and is locked, and its table
 * of segments. */
#include "attributes.h"
#include <asm/ldt.h>

static char stack[64 << 10], locked[4 * PAGE];

static void describe(char *text, size_t size)
{
    unsigned long selector = 5 << 3 | 7, limit = 0;
    bool there;
    __asm__("lsl %[selector], %[limit]" : [limit] "+r"(limit), "=@ccz"(there) : [selector] "r"(selector));
    snprintf(text, size, "dumped %d, huge %d, locked %s, segment %d", prctl(PR_GET_DUMPABLE),
             !prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), status_field("VmLck"), there);
}

static int work(void *unused)
{
    struct user_desc entry = {.entry_number = 5, .limit = 1, .seg_32bit = 1, .useable = 1};
    (void)unused;
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    syscall(SYS_mlock, locked, sizeof locked);
    syscall(SYS_modify_ldt, 1, &entry, sizeof entry);
    return 0;
}

static void change(const char *secret)
{
    int status;
    (void)secret;
    pid_t child = clone(work, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
    check(child > 0 && waitpid(child, &status, 0) == child && status == 0, "a child");
}
