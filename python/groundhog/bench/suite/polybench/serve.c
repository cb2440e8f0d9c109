/* Serves a kernel over ActionLoop: a line on stdin for each request, a line on descriptor 3 for each answer.
 *
 * With --fork, a child of its own answers each request. Compiled with GROUNDHOG_ONE_REQUEST, as for WASI, which has
 * neither forks nor descriptor 3, the program answers one request on stdout and ends. */
#include "kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double weighed(const double *values, int count)
{
    double sum = 0.0;
    for (int i = 0; i < count; i++)
        sum += values[i] * (1 + i % 97);
    return sum;
}

void positive_definite(int n, double matrix[n][n])
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++) {
            double sum = j < i ? 1.0 - (double)j / n : 1.0; /* column j, times the one on the diagonal of row j */
            for (int k = 0; k < j; k++) {
                double left = 1.0 - (double)k / n;
                sum += left * left;
            }
            matrix[i][j] = matrix[j][i] = sum;
        }
}

/* Writes the answer to a request into `text`. */
static int answer(char *text, size_t size)
{
    return snprintf(text, size, "{\"checksum\": \"%.10e\"}\n", run());
}

#ifdef GROUNDHOG_ONE_REQUEST

int main(void)
{
    char text[64];
    answer(text, sizeof text);
    return fputs(text, stdout) < 0 || fflush(stdout) != 0;
}

#else

#include <sys/wait.h>
#include <unistd.h>

static void say(const char *text)
{
    size_t size = strlen(text);
    while (size > 0) {
        ssize_t written = write(3, text, size);
        if (written < 0) {
            perror("serve.c: the answer cannot be written");
            _exit(1);
        }
        text += written;
        size -= (size_t)written;
    }
}

static void serve(void)
{
    char text[64];
    answer(text, sizeof text);
    say(text);
}

static void serve_in_a_child(void)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        serve();
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        fputs("serve.c: the child that was to answer could not be started, or failed\n", stderr);
        exit(1); /* nobody would answer this request */
    }
}

int main(int count, char **arguments)
{
    int forks = count > 1 && strcmp(arguments[1], "--fork") == 0;
    char *line = NULL;
    size_t size = 0;
    say("{\"ok\":true}\n");
    while (getline(&line, &size, stdin) > 0)
        if (forks)
            serve_in_a_child();
        else
            serve();
    free(line);
    return 0;
}

#endif
