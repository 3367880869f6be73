/* SPDX-License-Identifier: Apache-2.0 */
/* empty: does nothing; what starting any static program costs. */
int main(void)
{
	return 0;
}
