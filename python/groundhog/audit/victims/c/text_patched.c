/* Code rewritten through /proc/self/mem, which ignores protections and leaves no trace in maps. */
#include "victim.h"

__attribute__((noinline, section(".text.patched"), aligned(4096))) static int constant(void)
{
    __asm__ volatile("");
    return 0x11111111;
}

static void prepare(void) {}

static void handle(const char *secret)
{
    volatile int found = constant();
    unsigned char code[64];
    memcpy(code, (const void *)constant, sizeof code);
    int value = 0x11111111, mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    check(mem >= 0, "/proc/self/mem");
    unsigned char *at = memmem(code, sizeof code, &value, sizeof value);
    if (at != NULL) {
        memcpy(&value, secret, sizeof value);
        off_t where = (off_t)(uintptr_t)constant + (at - code);
        check(pwrite(mem, &value, sizeof value, where) == sizeof value, "patch");
    }
    close(mem);
    answer("{\"constant\":%d}", found);
}
