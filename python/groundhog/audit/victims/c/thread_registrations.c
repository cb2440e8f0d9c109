/* What a thread that is not the first registered with the kernel: where its end is written (set_tid_address), which locks are freed
 * then, and where its processor is written (rseq). */
#define PREPARES_ITSELF
#include "of_thread.h"
#include <sys/rseq.h>

enum { PR_GET_TID_ADDRESS_ = 40, UNREGISTER = 1, REGISTERED = 32, UNSET = 7777 };
static struct {
    _Alignas(32) uint32_t words[8];
} own;

static void on_signal(int number)
{
    (void)number;
}

static void prepare(void)
{
    check(signal(SIGUSR1, on_signal) != SIG_ERR, "signal");
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
    own.words[0] = own.words[1] = UNSET;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    check(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0 && raise(SIGUSR1) == 0, "raise");
    snprintf(text, size, "address %d, list %d, written %d", !is_own(address), !is_own(list), own.words[0] != UNSET);
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
    char *area = (char *)__builtin_thread_pointer() + __rseq_offset;
    syscall(SYS_set_tid_address, &place);
    syscall(SYS_set_robust_list, &empty, sizeof empty);
    memset(&own, 0, sizeof own);
    if (syscall(SYS_rseq, area, REGISTERED, UNREGISTER, RSEQ_SIG) == 0)
        check(syscall(SYS_rseq, &own, REGISTERED, 0, RSEQ_SIG) == 0, "rseq");
}
