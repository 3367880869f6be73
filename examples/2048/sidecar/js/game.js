// SPDX-License-Identifier: Apache-2.0
'use strict';

// localStorage may be missing, full or forbidden, and reading the property itself can throw.
// The game is then played without being remembered.
const Store = {
	GAME: 'gs-sidecar.2048.game',
	BEST: 'gs-sidecar.2048.best',

	read(key) {
		try {
			return JSON.parse(window.localStorage.getItem(key));
		} catch (e) {
			return null;
		}
	},

	write(key, value) {
		try {
			window.localStorage.setItem(key, JSON.stringify(value));
		} catch (e) {
			// See above.
		}
	},
};

// One game: its grid, its score, and what is kept of it between two loads of the page.
class Game {
	// seed: the integer that every new game starts from; null for a different one each time.
	constructor(actuator, seed) {
		this.actuator = actuator;
		this.fixedSeed = seed;
		this.best = Number(Store.read(Store.BEST)) || 0;
		if (!this.restore()) {
			this.restart();
		}
	}

	restart(seed) {
		const seeds = [seed, this.fixedSeed, Math.floor(Math.random() * 0x100000000)];
		this.seed = seeds.find(Number.isInteger);
		this.random = Grid.seeded(this.seed);
		this.score = 0;
		const first = Grid.spawn(Grid.empty(), this.random);
		this.cells = Grid.spawn(first.cells, this.random).cells;
		this.finishMove();
	}

	// Returns whether anything moved. Reaching 2048 does not end the game: the player goes on.
	move(direction) {
		if (this.over) {
			return false;
		}
		const result = Grid.move(this.cells, direction);
		if (!result.moved) {
			return false;
		}
		const spawned = Grid.spawn(result.cells, this.random);
		const change = { steps: result.steps, spawned: spawned.at };
		this.cells = spawned.cells;
		this.score += result.gained;
		this.finishMove(change);
		return true;
	}

	state() {
		return {
			grid: this.cells.map((row) => row.slice()),
			score: this.score,
			best: this.best,
			over: this.over,
			won: this.won,
		};
	}

	finishMove(change) {
		this.over = Grid.over(this.cells);
		this.won = Grid.won(this.cells);
		if (this.score > this.best) {
			this.best = this.score;
			Store.write(Store.BEST, this.best);
		}
		// Saved at each move: the player reloads to get new scripts, and nothing says when.
		// A finished game is not kept, there is nothing left to play in it.
		Store.write(Store.GAME, this.over ? null : {
			cells: this.cells,
			score: this.score,
			seed: this.seed,
			random: this.random.state,
		});
		this.actuator.draw(this.state(), change);
	}

	// Takes up the saved game, if there is one. A seed in the URL asks for one course of the
	// game, so a game saved from another seed is left aside.
	restore() {
		const saved = Store.read(Store.GAME);
		if (!saved || !Grid.valid(saved.cells) || !Number.isInteger(saved.score)) {
			return false;
		}
		const otherSeed = this.fixedSeed !== null && this.fixedSeed !== saved.seed;
		if (otherSeed || Grid.over(saved.cells)) {
			return false;
		}
		this.cells = saved.cells;
		this.score = saved.score;
		this.seed = saved.seed;
		this.random = Grid.random(saved.random);
		this.finishMove();
		return true;
	}
}
