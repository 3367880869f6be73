/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orphans: leaves COUNT processes to its init, some of which have ended already and some end soon,
 * says "left N" and stays.
 *
 *   orphans COUNT
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCH 100

static void leave(int count)
{
	for (int i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0)
			_exit(1);
		if (pid == 0) {
			if (i % 10 == 0)
				(void)usleep(50000);
			_exit(i % 256);
		}
	}
}

int main(int argc, char **argv)
{
	int count = argc == 2 ? (int)strtol(argv[1], NULL, 10) : 0;

	for (int left = count; left > 0; left -= BATCH) {
		int status;
		pid_t pid = fork();

		if (pid < 0)
			return 1;
		if (pid == 0) {
			leave(left < BATCH ? left : BATCH);
			_exit(0);
		}
		if (waitpid(pid, &status, 0) != pid || status != 0)
			return 1;
	}
	(void)printf("left %d\n", count);
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}
