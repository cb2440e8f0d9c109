/* Every call and operation that is refused whatever its arguments: each must answer its error, to the process, a child and a
 * thread. It is not to be run without isolation: its arguments are bad ones, but a call of tomorrow may take them.
 *
 * Each word of the command line is a row: "name=call,error,argument,...". */
#include "open_files.h"

enum { ARGUMENTS = 6, PLACES = 3 };

static int report[2];

static void prepare(void)
{
    check(command_words[0] != NULL && pipe2(report, O_CLOEXEC | O_NONBLOCK) == 0, "pipe");
}

static void try_row(char *word)
{
    long numbers[2 + ARGUMENTS] = {0};
    char text[200], *begin = strrchr(word, '='), *next = begin + 1;
    check(begin != NULL, word);
    for (size_t at = 0; at < sizeof numbers / sizeof numbers[0] && *next != '\0'; at++) {
        numbers[at] = strtol(next, &next, 0);
        next += *next == ',';
    }
    errno = 0;
    long result = syscall(numbers[0], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6], numbers[7]);
    if (result == -1 && errno == numbers[1])
        return;
    int length = snprintf(text, sizeof text, "%.*s answered %ld, %s; ", (int)(begin - word), word, result, strerror(errno));
    (void)!write(report[1], text, (size_t)length);
}

static void *try_rows(void *unused)
{
    for (char **word = command_words; *word != NULL; word++)
        try_row(*word);
    (void)!write(report[1], "all were tried", 14);
    return unused;
}

static void handle(const char *secret)
{
    static char found[4096];
    pthread_t thread;
    pid_t child;
    switch (number_in(secret) % PLACES) {
    case 0:
        try_rows(NULL);
        break;
    case 1:
        child = fork();
        if (child == 0) {
            try_rows(NULL);
            _exit(0);
        }
        check(child > 0 && waitpid(child, NULL, 0) == child, "a child");
        break;
    default:
        check(pthread_create(&thread, NULL, try_rows, NULL) == 0 && pthread_join(thread, NULL) == 0, "a thread");
    }
    ssize_t length = read(report[0], found, sizeof found - 1);
    found[length < 0 ? 0 : length] = '\0';
    answer("{\"refused\":\"%s\"}", found);
}
