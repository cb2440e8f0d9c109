/* What the victims share that move the place where the kernel writes on which processor a thread runs (rseq(2)). */
#include <sys/rseq.h>

enum { UNREGISTER = 1, REGISTERED = 32, UNSET = 7777 };
static struct {
    _Alignas(32) uint32_t words[8];
} own;

__attribute__((unused)) static void on_signal(int number)
{
    (void)number;
}

__attribute__((unused)) static void catch_signal(void)
{
    check(signal(SIGUSR1, on_signal) != SIG_ERR, "signal");
}

/* Whether the kernel writes to our own place: it does whenever it delivers a signal. */
__attribute__((unused)) static bool is_written(void)
{
    own.words[0] = own.words[1] = UNSET;
    check(raise(SIGUSR1) == 0, "raise");
    return own.words[0] != UNSET || own.words[1] != UNSET;
}

/* From the C library's place to our own. */
__attribute__((unused)) static void move_area(void)
{
    char *place = (char *)__builtin_thread_pointer() + __rseq_offset;
    memset(&own, 0, sizeof own);
    if (syscall(SYS_rseq, place, REGISTERED, UNREGISTER, RSEQ_SIG) == 0)
        check(syscall(SYS_rseq, &own, REGISTERED, 0, RSEQ_SIG) == 0, "rseq");
}
