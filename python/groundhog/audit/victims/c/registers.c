/* Secrets left in registers across the read of the next request: general ones, x87, SSE, AVX, AVX-512, MXCSR.
 *
 * The read(2) is made in assembly: registers are loaded, the system call blocks in the kernel (where the snapshot and
 * every restore find the process), and what the registers hold afterwards is stored. The kernel keeps all of them.
 */
#define VICTIM_OWN_READ
#include "victim.h"

#ifndef __x86_64__
#error "the registers of this architecture are not written yet"
#endif

struct vectors {
    _Alignas(64) uint8_t wide[32][64];
    uint64_t masks[8];
    uint64_t general[6];
    double x87;
    uint32_t mxcsr;
};

static struct vectors in, out;
static enum { SSE, AVX, AVX512 } level;

static void prepare(void)
{
    level = __builtin_cpu_supports("avx512bw") ? AVX512 : __builtin_cpu_supports("avx") ? AVX : SSE;
    in.mxcsr = 0x1f80;
}

#define EACH_LOW(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define EACH_HIGH(X) X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)
#define EACH_MASK(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7)

#define LOAD_XMM(n) "movups 64*" #n "(%[in]), %%xmm" #n "\n\t"
#define LOAD_YMM(n) "vmovups 64*" #n "(%[in]), %%ymm" #n "\n\t"
#define LOAD_ZMM(n) "vmovups 64*" #n "(%[in]), %%zmm" #n "\n\t"
#define LOAD_K(n) "kmovq 2048+8*" #n "(%[in]), %%k" #n "\n\t"
#define STORE_XMM(n) "movups %%xmm" #n ", 64*" #n "(%[out])\n\t"
#define STORE_YMM(n) "vmovups %%ymm" #n ", 64*" #n "(%[out])\n\t"
#define STORE_ZMM(n) "vmovups %%zmm" #n ", 64*" #n "(%[out])\n\t"
#define STORE_K(n) "kmovq %%k" #n ", 2048+8*" #n "(%[out])\n\t"

/* in and out stay in r8 and r9 through the call; rbp cannot be named as clobbered, so it is pushed. */
#define ACROSS_READ(LOADS, STORES)                                                                                  \
    __asm__ volatile("push %%rbp\n\t" LOADS "fldl 2160(%[in])\n\t"                                                  \
                     "ldmxcsr 2168(%[in])\n\t"                                                                      \
                     "mov 2112(%[in]), %%rbx\n\tmov 2120(%[in]), %%rbp\n\tmov 2128(%[in]), %%r12\n\t"                \
                     "mov 2136(%[in]), %%r13\n\tmov 2144(%[in]), %%r14\n\tmov 2152(%[in]), %%r15\n\t"                \
                     "syscall\n\t"                                                                                  \
                     "mov %%rbx, 2112(%[out])\n\tmov %%rbp, 2120(%[out])\n\tmov %%r12, 2128(%[out])\n\t"             \
                     "mov %%r13, 2136(%[out])\n\tmov %%r14, 2144(%[out])\n\tmov %%r15, 2152(%[out])\n\t"             \
                     "stmxcsr 2168(%[out])\n\tldmxcsr %[sane]\n\tfstpl 2160(%[out])\n\t" STORES "pop %%rbp\n\t"      \
                     : "+a"(result)                                                                                 \
                     : "D"(REQUEST_FD), "S"(line), "d"(size), [in] "r"(from), [out] "r"(to), [sane] "m"(sane)       \
                     : "rcx", "r11", "rbx", "r12", "r13", "r14", "r15", "memory", "st", "xmm0", "xmm1", "xmm2",     \
                       "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",  \
                       "xmm14", "xmm15")

_Static_assert(offsetof(struct vectors, masks) == 2048 && offsetof(struct vectors, general) == 2112 &&
                   offsetof(struct vectors, x87) == 2160 && offsetof(struct vectors, mxcsr) == 2168,
               "the assembly names these offsets");

static ssize_t read_request(char *line, size_t size)
{
    static const uint32_t sane = 0x1f80;
    register struct vectors *from __asm__("r8") = &in;
    register struct vectors *to __asm__("r9") = &out;
    long result = SYS_read;
    if (level == AVX512)
        ACROSS_READ(EACH_LOW(LOAD_ZMM) EACH_HIGH(LOAD_ZMM) EACH_MASK(LOAD_K),
                    EACH_LOW(STORE_ZMM) EACH_HIGH(STORE_ZMM) EACH_MASK(STORE_K));
    else if (level == AVX)
        ACROSS_READ(EACH_LOW(LOAD_YMM), EACH_LOW(STORE_YMM));
    else
        ACROSS_READ(EACH_LOW(LOAD_XMM), EACH_LOW(STORE_XMM));
    if (result < 0) {
        errno = (int)-result;
        check(false, "read");
    }
    check(result == 0 || line[result - 1] == '\n', "requests are short: one read is one line");
    return result;
}

static void handle(const char *secret)
{
    size_t low = 0, high = 0, upper = 0;
    for (int i = 0; i < 32; i++) {
        (i < 16 ? &low : &high)[0] += other_than(out.wide[i], 32, 0);
        upper += other_than(out.wide[i] + 32, 32, 0);
    }
    size_t masks = other_than(out.masks, sizeof out.masks, 0);
    size_t general = other_than(out.general, sizeof out.general, 0);
    double x87 = out.x87;
    unsigned mxcsr = out.mxcsr;
    answer("{\"low\":%zu,\"high\":%zu,\"upper\":%zu,\"masks\":%zu,\"general\":%zu,\"x87\":%g,\"mxcsr\":%u}", low, high,
           upper, masks, general, x87, mxcsr);
    leave(in.wide, sizeof in.wide, secret);
    leave(in.masks, sizeof in.masks, secret);
    leave(in.general, sizeof in.general, secret);
    in.x87 = 1.0 + secret[strlen(secret) - 1];
    in.mxcsr = 0x1f80 | 0x6000; /* round towards zero */
}
