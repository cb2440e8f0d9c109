/* Evasion: memory behind a memfd_secret(2), which nobody else can read, mapped only while a request writes it. */
#include "open_files.h"

enum { CALL = 447 };

static int file;

static void prepare(void)
{
    file = (int)syscall(CALL, O_CLOEXEC);
    check(file == -1 || ftruncate(file, PAGE) == 0, "memfd_secret"); /* -1: it is refused */
}

static void handle(const char *secret)
{
    char found[SECRET_SIZE] = "";
    char *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory != MAP_FAILED) {
        memcpy(found, memory, sizeof found - 1);
        strcpy(memory, secret);
        munmap(memory, PAGE);
    }
    answer("{\"found\":\"%s\"}", found);
}
