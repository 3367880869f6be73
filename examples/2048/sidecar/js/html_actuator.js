// SPDX-License-Identifier: Apache-2.0
'use strict';

// The one difference between the versions of this example: build.sh rewrites this line.
const END_MESSAGE = 'Game over!';

const SLIDE_MS = 110;
const POP_MS = 140;

// Draws the game. It never reads the page back: each draw starts from the state alone.
class HtmlActuator {
	constructor() {
		const find = (id) => document.getElementById(id);
		this.tiles = find('tiles');
		this.boardText = find('board-text');
		this.score = find('score');
		this.best = find('best');
		this.status = find('status');
		this.message = find('message');
		this.calm = window.matchMedia('(prefers-reduced-motion: reduce)');
		for (let i = 0; i < Grid.SIZE * Grid.SIZE; i++) {
			const cell = document.createElement('div');
			cell.className = 'cell';
			find('cells').appendChild(cell);
		}
	}

	// change: what the last move did (steps, spawned); none for a new or restored game.
	draw(state, change) {
		// Also drops the tiles that are still sliding from the move before.
		this.tiles.textContent = '';
		const at = {};
		state.grid.forEach((row, r) => row.forEach((value, c) => {
			if (value) {
				at[[r, c]] = this.addTile(value, [r, c]);
			}
		}));
		if (change && !this.calm.matches) {
			this.animate(change, at);
		}

		const row = (values) => values.map((value) => value || 'empty').join(', ');
		const rows = state.grid.map((values, r) => `Row ${r + 1}: ${row(values)}.`);
		this.write(this.boardText, rows.join(' '));
		this.write(this.score, String(state.score));
		this.write(this.best, String(state.best));
		this.write(this.status, this.statusText(state));
		// Shown first, then filled: what a live region gets while hidden is not read out.
		this.message.hidden = !state.over;
		this.write(this.message.querySelector('p'), state.over ? END_MESSAGE : '');
	}

	// A live region may be read out again when the same text is written once more.
	write(element, text) {
		if (element.textContent !== text) {
			element.textContent = text;
		}
	}

	statusText(state) {
		if (state.over) {
			return 'No move is left.';
		}
		const goal = Grid.GOAL;
		return state.won ? `You made ${goal}! How far can you go?` : `Make a ${goal} tile.`;
	}

	addTile(value, [r, c]) {
		const tile = document.createElement('div');
		tile.className = 'tile';
		tile.dataset.value = value;
		tile.dataset.digits = String(value).length;
		tile.textContent = value;
		tile.style.gridRow = r + 1;
		tile.style.gridColumn = c + 1;
		this.tiles.appendChild(tile);
		return tile;
	}

	animate({ steps, spawned }, at) {
		for (const { from, to, value, merged } of steps) {
			if (merged) {
				// The old value slides in below the new tile, which pops up then.
				const ghost = this.addTile(value, to);
				this.tiles.prepend(ghost);
				this.slide(ghost, from, to).onfinish = () => ghost.remove();
				this.pop(at[to]);
			} else {
				this.slide(at[to], from, to);
			}
		}
		if (spawned) {
			this.pop(at[spawned]);
		}
	}

	slide(tile, from, to) {
		const [y, x] = [0, 1].map((i) => `calc((100% + var(--gap)) * ${from[i] - to[i]})`);
		const frames = [{ transform: `translate(${x}, ${y})` }, { transform: 'none' }];
		return tile.animate(frames, { duration: SLIDE_MS, easing: 'ease-out' });
	}

	pop(tile) {
		const frames = [
			{ transform: 'scale(0)' },
			{ transform: 'scale(1.08)', offset: 0.7 },
			{ transform: 'none' },
		];
		tile.animate(frames, { duration: POP_MS, delay: SLIDE_MS, fill: 'backwards' });
	}
}
