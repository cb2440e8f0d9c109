/* Where the kernel writes a zero when the thread ends (set_tid_address), and the list of locks that it frees then. */
#include "victim.h"

enum { PR_GET_TID_ADDRESS_ = 40 };
static void *address, *list;
static size_t length;

/* A kernel without checkpoints does not tell the first one. */
static void ask(void **of_id, void **of_list)
{
    *of_id = *of_list = NULL;
    prctl(PR_GET_TID_ADDRESS_, of_id);
    syscall(SYS_get_robust_list, 0, of_list, &length);
}

static void prepare(void)
{
    ask(&address, &list);
}

static void handle(const char *secret)
{
    static struct {
        void *next;
        long offset;
        void *pending;
    } own = {&own, 0, NULL};
    static int place;
    void *now, *then;
    (void)secret;
    ask(&now, &then);
    syscall(SYS_set_tid_address, &place);
    syscall(SYS_set_robust_list, &own, sizeof own);
    answer("{\"address\":%d,\"list\":%d}", now != NULL && now != address, then != NULL && then != list);
}
