/* Threads in user mode at the snapshot and at every restore: each counts in a general and in a vector register, and
 * notes in memory where it is. Registers and memory must always be of the same moment. */
#include "case.h"

enum { THREADS = 3 };

static struct progress {
    _Alignas(64) volatile uint64_t count;
    volatile uint64_t torn;
    volatile double vector[4];
} progress[THREADS];
static atomic_int started;

__attribute__((noinline)) static void *spin(void *argument)
{
    struct progress *mine = argument;
    atomic_fetch_add(&started, 1);
    /* rbx counts, xmm0 and xmm1 count too; memory holds the same count, or one less in the middle of a turn. */
    __asm__ volatile("xor %%ebx, %%ebx\n\t"
                     "xorpd %%xmm0, %%xmm0\n\t"
                     "1: cmp %%rbx, (%[count])\n\t"
                     "jne 2f\n\t"
                     "cvttsd2si %%xmm0, %%rax\n\t"
                     "cmp %%rax, %%rbx\n\t"
                     "jne 2f\n\t"
                     "inc %%rbx\n\t"
                     "addsd %[one], %%xmm0\n\t"
                     "movsd %%xmm0, (%[vector])\n\t"
                     "mov %%rbx, (%[count])\n\t"
                     "jmp 1b\n\t"
                     "2: incq (%[torn])\n\t"
                     "mov %%rbx, (%[count])\n\t"
                     "cvtsi2sd %%rbx, %%xmm0\n\t"
                     "jmp 1b"
                     :
                     : [count] "r"(&mine->count), [torn] "r"(&mine->torn), [vector] "r"(&mine->vector),
                       [one] "m"((double){1.0})
                     : "rax", "rbx", "xmm0", "memory", "cc");
    return NULL;
}

static void prepare(void)
{
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        check(pthread_create(&thread, NULL, spin, &progress[i]) == 0, "pthread_create");
    }
    while (atomic_load(&started) < THREADS)
        sched_yield();
}

static void handle(const char *secret)
{
    static int requests;
    (void)secret;
    uint64_t torn = 0;
    for (int i = 0; i < THREADS; i++) {
        uint64_t seen = progress[i].count;
        while (progress[i].count < seen + 1000)
            sched_yield();
        torn += progress[i].torn;
    }
    answer("requests %d, torn %lu", requests++, torn);
}
