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
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_MOST 1000

static double now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1000000;
}

static double run(char **argv)
{
	posix_spawn_file_actions_t quiet;
	double began = now_ms();
	int status = -1;
	pid_t pid;

	(void)posix_spawn_file_actions_init(&quiet);
	(void)posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, argv[0], &quiet, NULL, argv, environ) == 0)
		(void)waitpid(pid, &status, 0);
	(void)posix_spawn_file_actions_destroy(&quiet);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
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

static double median(double *values, long count)
{
	qsort(values, (size_t)count, sizeof(*values), by_value);
	return values[count / 2];
}

static int usage(void)
{
	(void)fprintf(stderr, "usage: pairs ROUNDS PREPARE -- COMMAND... -- PEER...\n");
	return 2;
}

/* Ends argv at its "--" and returns what follows; NULL when there is none. */
static char **cut_at_dashes(char **argv)
{
	while (*argv && strcmp(*argv, "--") != 0)
		argv++;
	if (!*argv)
		return NULL;
	*argv = NULL;
	return argv + 1;
}

int main(int argc, char **argv)
{
	long rounds = argc > 2 ? strtol(argv[1], NULL, 10) : 0;

	if (rounds < 1 || rounds > ROUNDS_MOST)
		return usage();
	char shell[] = "sh", flag[] = "-c", *prepare[] = { shell, flag, argv[2], NULL };
	char **command = cut_at_dashes(argv + 1), **peer = command ? cut_at_dashes(command) : NULL;
	static double ours[ROUNDS_MOST], theirs[ROUNDS_MOST];

	if (!peer || !*command || !*peer)
		return usage();
	/* One pair more, first, that is not counted. */
	for (long i = -1; i < rounds; i++) {
		long place = i < 0 ? 0 : i;

		(void)run(prepare);
		ours[place] = run(command);
		theirs[place] = run(peer);
	}
	(void)printf("%.3f %.3f\n", median(ours, rounds), median(theirs, rounds));
	return 0;
}
