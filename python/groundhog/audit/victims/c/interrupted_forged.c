/* Evasion: likewise, and the kernel itself makes the call that goes on: another one, met by a signal that nobody hears, answers what
 * stands for an interrupted call. To /proc/self/mem any number is a place. */
#include "interrupted.h"

enum { GOES_ON = -516 /* ERESTART_RESTARTBLOCK */, TRIES = 1000, ROUNDS = 100 };

static void prepare(void) {}

/* The C library would take it for an error. */
static long seek(int memory)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"((long)SYS_lseek), "D"((long)memory), "S"((long)GOES_ON), "d"((long)SEEK_SET)
                     : "rcx", "r11", "memory");
    return result;
}

/* Interrupted by nothing that it hears: stopped, where signals stop it, and told to go on. */
static long forge(void)
{
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    check(memory >= 0, "/proc/self/mem");
    pid_t parent = getpid(), child = fork();
    check(child >= 0, "fork");
    for (int round = 0; child == 0 && round < ROUNDS; round++) {
        kill(parent, SIGSTOP);
        kill(parent, SIGCONT);
        usleep(50);
    }
    if (child == 0)
        _exit(0);
    long result = GOES_ON;
    while (result == GOES_ON && waitpid(child, NULL, WNOHANG) == 0)
        for (int tried = 0; tried < TRIES && result == GOES_ON; tried++)
            result = seek(memory);
    check(close(memory) == 0 && (result == GOES_ON || waitpid(child, NULL, 0) == child), "close, waitpid");
    return result;
}

static void handle(const char *secret)
{
    bool found = forge() == 0;
    (void)secret;
    unblock();
    if (sigsetjmp(interrupted, 1) == 0) {
        interrupt_soon();
        nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    }
    answer("{\"goes on\":%d}", found);
}
