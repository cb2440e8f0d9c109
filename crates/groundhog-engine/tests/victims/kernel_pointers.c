/* Pointers into the process's memory that the kernel keeps for each thread and writes through: the restartable
 * sequences area, the robust futex list, the word cleared at the thread's end. Each moved by a request. */
#include "case.h"
#include <linux/futex.h>
#include <sys/rseq.h>

static _Alignas(64) char moved[256];
static struct robust_list_head list;

static void prepare(void) {}

static void handle(const char *secret)
{
    (void)secret;
    struct robust_list_head *head;
    size_t length;
    check(syscall(SYS_get_robust_list, 0, &head, &length) == 0, "get_robust_list");
    bool own = head == &list;
    if (is("rseq")) {
        char *area = (char *)__builtin_thread_pointer() + __rseq_offset;
        bool gone = syscall(SYS_rseq, area, 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG) == 0;
        bool set = gone && syscall(SYS_rseq, moved, 32, 0, RSEQ_SIG) == 0;
        answer("%s", set ? "moved" : "absent");
        return;
    }
    if (is("robust"))
        check(syscall(SYS_set_robust_list, &list, sizeof list) == 0, "set_robust_list");
    else
        syscall(SYS_set_tid_address, moved);
    answer("{\"own_list\":%d}", own);
}
