/* Evasion: the C library's place for restartable sequences (rseq(2)) is registered anew, with another signature, which whoever takes
 * it away has to know. */
#include "victim.h"
#include "rseq.h"

enum { OTHER = 0x4711 };

static void *place(void)
{
    return (char *)__builtin_thread_pointer() + __rseq_offset;
}

static void prepare(void)
{
}

static void handle(const char *secret)
{
    (void)secret;
    bool found = syscall(SYS_rseq, place(), REGISTERED, UNREGISTER, RSEQ_SIG) == 0;
    if (found)
        check(syscall(SYS_rseq, place(), REGISTERED, 0, OTHER) == 0, "rseq");
    answer("{\"as_it_was\":%d}", found);
}
