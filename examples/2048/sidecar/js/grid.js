// SPDX-License-Identifier: Apache-2.0
'use strict';

// The rules of the game, without page or state: a grid is an array of rows, 0 is an empty cell,
// and no function here changes the grid it was given. Runs under node too, for the tests.
const Grid = (() => {
	const SIZE = 4;
	const GOAL = 2048;
	const DIRECTIONS = ['left', 'right', 'up', 'down'];
	const FOUR_CHANCE = 0.1;

	function empty() {
		return Array.from({ length: SIZE }, () => Array(SIZE).fill(0));
	}

	// A small generator (xorshift, 32 bits). Math.random cannot be seeded, and its state cannot
	// be saved with the game; this one's state is a single number.
	function random(state) {
		return {
			// Never 0: xorshift would stay there for good.
			state: state >>> 0 || 1,
			next() {
				let x = this.state;
				x ^= x << 13;
				x ^= x >>> 17;
				x ^= x << 5;
				this.state = x >>> 0;
				return this.state / 0x100000000;
			},
		};
	}

	// Seeds are mostly small numbers, whose first results would resemble each other unmixed.
	function seeded(seed) {
		return random(Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b));
	}

	// The four lines of cells along which tiles slide, each starting at the wall they slide to.
	function lines(direction) {
		const upright = direction === 'up' || direction === 'down';
		const backwards = direction === 'right' || direction === 'down';
		return empty().map((row, i) => {
			const line = row.map((_, j) => (upright ? [j, i] : [i, j]));
			return backwards ? line.reverse() : line;
		});
	}

	// Returns the grid after the move, the points gained, whether anything moved, and one step
	// per tile (from, to, its old value, merged), which is what an animation needs.
	function move(cells, direction) {
		if (!DIRECTIONS.includes(direction)) {
			throw new RangeError(`not a direction: ${direction}`);
		}
		const after = empty();
		const steps = [];
		let gained = 0;
		for (const line of lines(direction)) {
			let free = 0;
			// The last tile placed, while it may merge: once per tile and move.
			let last = null;
			for (const from of line) {
				const value = cells[from[0]][from[1]];
				if (!value) {
					continue;
				}
				const merges = last !== null && last.value === value;
				const to = merges ? last.to : line[free++];
				const step = { from, to, value, merged: merges };
				after[to[0]][to[1]] += value;
				steps.push(step);
				if (merges) {
					last.merged = true;
					gained += 2 * value;
				}
				last = merges ? null : step;
			}
		}
		const moved = steps.some(({ from, to }) => from[0] !== to[0] || from[1] !== to[1]);
		return { cells: after, gained, moved, steps };
	}

	// Adds a 2, or at times a 4, in an empty cell; "at" is null when the grid is full.
	function spawn(cells, generator) {
		const free = [];
		cells.forEach((row, r) => row.forEach((value, c) => value || free.push([r, c])));
		if (free.length === 0) {
			return { cells, at: null };
		}
		const at = free[Math.floor(generator.next() * free.length)];
		const after = cells.map((row) => row.slice());
		after[at[0]][at[1]] = generator.next() < FOUR_CHANCE ? 4 : 2;
		return { cells: after, at };
	}

	function over(cells) {
		return !DIRECTIONS.some((direction) => move(cells, direction).moved);
	}

	function won(cells) {
		return cells.some((row) => row.some((value) => value >= GOAL));
	}

	// For grids that come from storage, which anybody can edit.
	function valid(cells) {
		const power = (value) => value > 1 && Number.isInteger(Math.log2(value));
		const tile = (value) => value === 0 || (Number.isInteger(value) && power(value));
		const line = (row) => Array.isArray(row) && row.length === SIZE && row.every(tile);
		return Array.isArray(cells) && cells.length === SIZE && cells.every(line);
	}

	return { SIZE, GOAL, DIRECTIONS, empty, random, seeded, move, spawn, over, won, valid };
})();

if (typeof module !== 'undefined') {
	module.exports = Grid;
}
