/* Evasion: where the kernel writes on which processor a thread runs (rseq(2)) is moved away from the C library's place: the kernel
 * goes on writing there, and the C library reads what is never written any more. */
#include "victim.h"
#include <sys/rseq.h>

enum { UNREGISTER = 1, UNSET = 7777, REGISTERED = 32 };
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
}

/* The kernel writes whenever it delivers a signal. */
static bool is_written(void)
{
    own.words[0] = own.words[1] = UNSET;
    raise(SIGUSR1);
    return own.words[0] != UNSET || own.words[1] != UNSET;
}

static void handle(const char *secret)
{
    bool found = is_written();
    (void)secret;
    char *place = (char *)__builtin_thread_pointer() + __rseq_offset;
    memset(&own, 0, sizeof own);
    if (syscall(SYS_rseq, place, REGISTERED, UNREGISTER, RSEQ_SIG) == 0)
        check(syscall(SYS_rseq, &own, REGISTERED, 0, RSEQ_SIG) == 0, "rseq");
    answer("{\"written\":%d}", found);
}
