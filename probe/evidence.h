/* SPDX-License-Identifier: Apache-2.0 */
/* evidence: a number for what a reading came from, see struct reading. */
#pragma once

#include <stdint.h>

/*
 * Hashes one more word, from 0 on. Never 0. Each step is a bijection of what was there (the
 * finalizer of SplitMix64), so two that differ in one word never meet.
 */
static inline uint64_t evidence_add(uint64_t evidence, uint64_t word)
{
	uint64_t z = (evidence ^ word) + 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	z ^= z >> 31;
	return z ? z : 1;
}
