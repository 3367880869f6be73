// SPDX-License-Identifier: Apache-2.0
'use strict';

// Run with: node --test examples/2048/sidecar/
const test = require('node:test');
const assert = require('node:assert');
const Grid = require('./js/grid.js');

// A grid with this first row (or column) and nothing else.
const asRow = (line) => [line, ...Grid.empty().slice(1)];
const asColumn = (line) => line.map((value) => [value, 0, 0, 0]);
const FULL = [[2, 4, 2, 4], [4, 2, 4, 2], [2, 4, 2, 4], [4, 2, 4, 2]];

// The line, what it becomes when it slides to its start, and the points.
const TABLE = [
	[[0, 0, 0, 0], [0, 0, 0, 0], 0],
	[[0, 0, 0, 2], [2, 0, 0, 0], 0],
	[[2, 4, 8, 16], [2, 4, 8, 16], 0],
	[[2, 0, 0, 2], [4, 0, 0, 0], 4],
	[[2, 4, 2, 0], [2, 4, 2, 0], 0],
	// One merge per tile and move, and the tiles nearest to the wall merge first.
	[[2, 2, 2, 2], [4, 4, 0, 0], 8],
	[[2, 2, 4, 0], [4, 4, 0, 0], 4],
	[[4, 2, 2, 0], [4, 4, 0, 0], 4],
	[[2, 2, 2, 0], [4, 2, 0, 0], 4],
	[[1024, 0, 1024, 2], [2048, 2, 0, 0], 2048],
];

for (const [line, want, gained] of TABLE) {
	test(`${line} becomes ${want}`, () => {
		const back = (cells) => cells.slice().reverse();
		const cases = {
			left: [asRow(line), asRow(want)],
			right: [asRow(back(line)), asRow(back(want))],
			up: [asColumn(line), asColumn(want)],
			down: [asColumn(back(line)), asColumn(back(want))],
		};
		for (const direction of Grid.DIRECTIONS) {
			const [before, after] = cases[direction];
			const result = Grid.move(before, direction);
			assert.deepStrictEqual(result.cells, after, direction);
			assert.strictEqual(result.gained, gained, direction);
			assert.strictEqual(result.moved, String(line) !== String(want), direction);
		}
	});
}

test('a move leaves the grid it was given alone, and refuses other directions', () => {
	const cells = asRow([2, 2, 0, 0]);
	Grid.move(cells, 'left');
	assert.deepStrictEqual(cells, asRow([2, 2, 0, 0]));
	assert.throws(() => Grid.move(cells, 'north'), RangeError);
});

test('new tiles are 2 or 4, in empty cells, and the same for the same seed', () => {
	const fill = (seed) => {
		const generator = Grid.seeded(seed);
		let cells = Grid.empty();
		for (let count = 1; count <= 16; count++) {
			cells = Grid.spawn(cells, generator).cells;
			const tiles = cells.flat().filter((value) => value === 2 || value === 4);
			assert.strictEqual(tiles.length, count);
		}
		assert.strictEqual(Grid.spawn(cells, generator).at, null);
		return cells;
	};
	assert.deepStrictEqual(fill(42), fill(42));
	assert.notDeepStrictEqual(fill(42), fill(43));
});

test('the game is over when the grid is full and no two neighbours are equal', () => {
	assert.strictEqual(Grid.over(FULL), true);
	assert.strictEqual(Grid.over([[2, 4, 2, 0], ...FULL.slice(1)]), false);
	assert.strictEqual(Grid.over([[4, 4, 2, 4], ...FULL.slice(1)]), false);
});

test('2048 wins, and a grid from storage must be one', () => {
	assert.strictEqual(Grid.won(asRow([1024, 0, 0, 0])), false);
	assert.strictEqual(Grid.won(asRow([2048, 0, 0, 0])), true);
	assert.strictEqual(Grid.valid(FULL), true);
	for (const bad of [3, 1, -2, '4', null, Infinity]) {
		assert.strictEqual(Grid.valid(asRow([2, bad, 0, 0])), false);
	}
	assert.strictEqual(Grid.valid([[2]]), false);
});
