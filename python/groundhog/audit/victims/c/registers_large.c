/* Evasion: whether a thread has ever used large registers (tiles of AMX). The kernel makes room for them with the first use, and the
 * frame of each later signal tells of it by its size. On processors without them a counter stands for that. */
#include "victim.h"
#include <asm/prctl.h>
#include <ucontext.h>

#ifndef __x86_64__
#error "the large registers of this architecture are not written yet"
#endif

enum { TILES = 18, PERMITS = 0x1023 /* ARCH_REQ_XCOMP_PERM */, SIZE_IN_FRAME = 464 + 16 /* _fpx_sw_bytes.xstate_size */ };
static uint32_t size;
static bool has_tiles;

static void note_size(int signal, siginfo_t *information, void *context)
{
    (void)signal;
    (void)information;
    memcpy(&size, (char *)((ucontext_t *)context)->uc_mcontext.fpregs + SIZE_IN_FRAME, sizeof size);
}

static void prepare(void)
{
    struct sigaction action = {.sa_sigaction = note_size, .sa_flags = SA_SIGINFO};
    check(sigaction(SIGUSR1, &action, NULL) == 0, "sigaction");
    has_tiles = syscall(SYS_arch_prctl, PERMITS, TILES) == 0;
}

static void use(void)
{
    /* A palette, and one tile of a row of 64 bytes. */
    static unsigned char configuration[64] = {[0] = 1, [16] = 64, [48] = 1};
    if (has_tiles)
        __asm__ volatile("ldtilecfg %0\n\ttilezero %%tmm0\n\ttilerelease" : : "m"(configuration));
    else
        size++;
}

static void handle(const char *secret)
{
    (void)secret;
    if (has_tiles)
        check(raise(SIGUSR1) == 0, "raise");
    uint32_t found = size;
    use();
    answer("{\"frame\":%u}", found);
}
