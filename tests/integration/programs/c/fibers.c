/* A loop of requests on a coroutine's stack of two pages, in the middle of a table: by ucontext, or, as libraries of
 * coroutines do it, by switching the stack pointer. Answers how many bytes of the table are not as they were written. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum { TABLE = 128 << 10, STACK = 8192, FILL = 0x5a };

static struct memory {
    unsigned char below[TABLE], stack[STACK], above[TABLE];
} *memory;
static ucontext_t home, coroutine;

static long changed(const unsigned char *bytes)
{
    long count = 0;
    for (long at = 0; at < TABLE; at++)
        count += bytes[at] != FILL;
    return count;
}

static void say(const char *line, size_t length)
{
    if (write(3, line, length) != (ssize_t)length)
        _exit(1);
}

static void serve(void)
{
    char line[1024], answer[128];
    int requests = 0;
    if (getenv("OW_WAIT_FOR_ACK") != NULL)
        say("{\"ok\":true}\n", 12);
    for (;;) {
        ssize_t length = read(0, line, sizeof line);
        if (length <= 0)
            return;
        if (line[length - 1] != '\n')
            continue;
        unsigned char *here = __builtin_frame_address(0);
        bool inside = here > memory->stack && here <= memory->stack + STACK;
        int size = snprintf(answer, sizeof answer, "{\"changed\":%ld,\"requests\":%d,\"inside\":%s,\"pid\":%d}\n",
                            changed(memory->below) + changed(memory->above), ++requests,
                            inside ? "true" : "false", (int)getpid());
        say(answer, (size_t)size);
    }
}

__attribute__((noreturn)) static void serve_and_exit(void)
{
    serve();
    _exit(0);
}

int main(int count, char **words)
{
    memory = mmap(NULL, sizeof *memory, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (count != 2 || memory == MAP_FAILED)
        return 2;
    memset(memory->below, FILL, TABLE);
    memset(memory->above, FILL, TABLE);
    if (strcmp(words[1], "ucontext") == 0) {
        getcontext(&coroutine);
        coroutine.uc_stack.ss_sp = memory->stack;
        coroutine.uc_stack.ss_size = STACK;
        coroutine.uc_link = &home;
        makecontext(&coroutine, serve, 0);
        swapcontext(&home, &coroutine);
        return 0;
    }
    __asm__ volatile("mov %0, %%rsp\n\txor %%ebp, %%ebp\n\tcall *%1" : : "r"(memory->stack + STACK), "r"(serve_and_exit) : "memory");
    __builtin_unreachable();
}
