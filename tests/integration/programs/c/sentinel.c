#include "victim.h"

static unsigned char *sentinel;
static uint64_t state;

static uint64_t draw(void)
{
    if (*sentinel == 0) {
        check(syscall(SYS_getrandom, &state, sizeof state, 0) == sizeof state, "getrandom");
        *sentinel = 1;
    }
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static void prepare(void)
{
    sentinel = (unsigned char *)map_anonymous(NULL, PAGE);
    check(madvise(sentinel, PAGE, MARK) == 0, "madvise");
    draw();
}

static void handle(const char *secret)
{
    (void)secret;
    answer("[\"%016lx\"]", (unsigned long)draw());
}
