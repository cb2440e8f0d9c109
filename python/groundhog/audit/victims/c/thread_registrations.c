/* What a thread that is not the first registered with the kernel: where its end is written (set_tid_address), which locks are freed
 * then, and where its processor is written (rseq). */
#define PREPARES_ITSELF
#include "of_thread.h"
#include "rseq.h"

enum { PR_GET_TID_ADDRESS_ = 40 };

static void prepare(void)
{
    catch_signal();
    start_other();
}

/* In the thread's own descriptor; that of a process with one thread is elsewhere. */
static bool is_own(const void *address)
{
    const char *thread = __builtin_thread_pointer();
    return address == NULL || ((const char *)address >= thread - PAGE && (const char *)address < thread + PAGE);
}

static void describe(char *text, size_t size)
{
    void *address = NULL, *list = NULL;
    size_t length;
    sigset_t set;
    prctl(PR_GET_TID_ADDRESS_, &address);
    syscall(SYS_get_robust_list, 0, &list, &length);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    check(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0, "pthread_sigmask");
    snprintf(text, size, "address %d, list %d, written %d", !is_own(address), !is_own(list), is_written());
}

static void change(const char *secret)
{
    static int place;
    static struct {
        void *next;
        long offset;
        void *pending;
    } empty = {&empty, 0, NULL};
    (void)secret;
    syscall(SYS_set_tid_address, &place);
    syscall(SYS_set_robust_list, &empty, sizeof empty);
    move_area();
}
