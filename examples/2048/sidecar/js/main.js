// SPDX-License-Identifier: Apache-2.0
'use strict';

// Starts the game. The scripts come from a volume that the sidecar updates: an open page goes on
// with the ones it has, and a reload takes the new ones and the saved game.
(() => {
	// "?seed=42" makes the new tiles come in the same places each time.
	const text = new URLSearchParams(window.location.search).get('seed');
	const seed = /^\d{1,9}$/.test(text || '') ? Number(text) : null;

	const board = document.getElementById('board');
	const game = new Game(new HtmlActuator(), seed);

	Keyboard.listen(board, (direction) => game.move(direction));
	for (const id of ['restart', 'again']) {
		document.getElementById(id).addEventListener('click', () => {
			game.restart();
			// The button of the end message has just gone, and the focus with it.
			board.focus({ preventScroll: true });
		});
	}

	// The handle for automatic tests:
	//   state()        {grid: rows of values, 0 for empty; score, best, over, won}
	//   move(dir)      'left', 'right', 'up' or 'down'; returns whether anything moved
	//   restart(seed)  a new game from this integer; without it, from the URL's seed, or any
	window.game2048 = {
		state: () => game.state(),
		move: (direction) => game.move(direction),
		restart: (newSeed) => game.restart(newSeed),
	};
})();
