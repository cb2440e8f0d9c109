/* A heap so large that the engine puts its pages together: bytes here and there, whole huge pages, what is given back, replaced or
   protected, and what a child writes into its own. With "writes" nothing else is done, so that the layout is not looked at. */
#include "case.h"

static const size_t HUGE = 2UL << 20, SIZE = 272UL << 20;
static char *heap;

static void prepare(void)
{
    char *memory = map_anonymous(NULL, SIZE + HUGE);
    heap = (char *)(((uintptr_t)memory + HUGE - 1) & ~(HUGE - 1));
    memset(heap, 's', SIZE);
}

static void only_write(const char *secret)
{
    for (size_t at = 0; at < SIZE / 2; at += 5 * HUGE / 2)
        heap[at + 17 * PAGE] = secret[0];
    leave(heap + 9 * HUGE, HUGE, secret);
    heap[SIZE - 1] = secret[0];
}

static void give_back(const char *secret)
{
    check(madvise(heap + 20 * HUGE, HUGE, MADV_DONTNEED) == 0, "MADV_DONTNEED");
    check(madvise(heap + 30 * HUGE + 3 * PAGE, PAGE, MADV_DONTNEED) == 0, "MADV_DONTNEED");
    heap[20 * HUGE + 5 * PAGE] = secret[0];
    check(mprotect(heap + 40 * HUGE, PAGE, PROT_READ) == 0, "mprotect");
    void *anew = mmap(heap + 50 * HUGE, HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    check(anew == heap + 50 * HUGE, "mmap");
    pid_t child = fork();
    if (child == 0) {
        leave(heap, HUGE, secret);
        _exit(0);
    }
    check(waitpid(child, NULL, 0) == child, "waitpid");
}

static void handle(const char *secret)
{
    size_t changed = other_than(heap, SIZE, 's');
    only_write(secret);
    if (!is("writes"))
        give_back(secret);
    answer("{\"changed\":%zu}", changed);
}
