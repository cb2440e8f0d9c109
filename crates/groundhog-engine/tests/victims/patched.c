/* Memory that no mapping lets it write, written through /proc/self/mem: constants, the vDSO. */
#include "case.h"
#include <sys/auxv.h>

static const char constants[2 * PAGE] __attribute__((aligned(4096))) = {1};
static const volatile char *patched;

static void prepare(void)
{
    if (is("vdso"))
        patched = (const char *)getauxval(AT_SYSINFO_EHDR) + 9; /* padding in the ELF header */
    else
        patched = constants + PAGE;
}

static void handle(const char *secret)
{
    char found[8];
    for (size_t i = 0; i < sizeof found; i++)
        found[i] = patched[i] ? '#' : '.';
    int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    check(mem >= 0 && pwrite(mem, secret, 6, (off_t)(uintptr_t)patched) == 6, "/proc/self/mem");
    close(mem);
    answer("{\"found\":\"%.8s\"}", found);
}
