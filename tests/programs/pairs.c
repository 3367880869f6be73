/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs: times two commands in turn.
 *
 *   pairs ROUNDS PREPARE -- COMMAND... -- PEER...
 *
 * Before each pair PREPARE is run by a shell, untimed. Prints the two medians of the wall time from
 * fork to wait, in milliseconds. What the commands print is thrown away.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1000000;
}

static double run(char **argv)
{
	double began = now_ms();
	int status;
	pid_t pid = vfork();

	if (pid == 0) {
		int nothing = open("/dev/null", O_WRONLY);

		(void)dup2(nothing, STDOUT_FILENO);
		(void)execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status)) {
		(void)fprintf(stderr, "pairs: '%s' failed\n", argv[0]);
		exit(1);
	}
	return now_ms() - began;
}

static int by_value(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), by_value);
	return values[count / 2];
}

static char **cut_at_dashes(char **argv)
{
	while (*argv && strcmp(*argv, "--") != 0)
		argv++;
	if (!*argv) {
		(void)fprintf(stderr, "usage: pairs ROUNDS PREPARE -- COMMAND... -- PEER...\n");
		exit(2);
	}
	*argv = NULL;
	return argv + 1;
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? (int)strtol(argv[1], NULL, 10) : 0;
	double *ours = calloc(2, sizeof(double) * (size_t)(rounds + 1)),
	       *theirs = ours + rounds + 1;
	char *prepare[] = { "sh", "-c", argc > 2 ? argv[2] : "", NULL };
	char **command = cut_at_dashes(argv + 1), **peer = cut_at_dashes(command);

	/* One pair more, first, that is not counted. */
	for (int i = -1; ours && i < rounds; i++) {
		int place = i < 0 ? rounds : i;

		(void)run(prepare);
		ours[place] = run(command);
		theirs[place] = run(peer);
	}
	(void)printf("%.3f %.3f\n", median(ours, rounds), median(theirs, rounds));
	free(ours);
	return 0;
}
