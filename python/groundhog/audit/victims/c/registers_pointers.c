/* Where the last instruction of the x87 unit lay and what it loaded, which the unit remembers for its exceptions. */
#include "victim.h"

static double loaded[512];

static void prepare(void) {}

static void handle(const char *secret)
{
    struct {
        uint32_t control, status, tags, instruction, code, operand, data;
    } environment;
    /* It masks all exceptions, too. */
    __asm__ volatile("fnstenv %0\n\tfldenv %0" : "=m"(environment));
    uint32_t offset = environment.operand - (uint32_t)(uintptr_t)loaded;
    answer("{\"loaded\":%d}", offset < sizeof loaded);
    __asm__ volatile("fldl %0\n\tfstp %%st(0)" : : "m"(loaded[atoi(secret + 1) % 512]) : "st");
}
