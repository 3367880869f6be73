// SPDX-License-Identifier: Apache-2.0
'use strict';

// Turns keys and swipes into moves.
const Keyboard = (() => {
	// Arrows go by meaning, letters by place: WASD is where the fingers are on any layout.
	const KEYS = {
		ArrowLeft: 'left', ArrowRight: 'right', ArrowUp: 'up', ArrowDown: 'down',
		KeyA: 'left', KeyD: 'right', KeyW: 'up', KeyS: 'down',
	};
	// In CSS pixels. Shorter is a tap, or a finger that trembled.
	const SWIPE_MIN = 24;

	function listenKeys(onMove) {
		document.addEventListener('keydown', (event) => {
			// Ctrl+S, Alt+Left and the like belong to the browser.
			if (event.ctrlKey || event.altKey || event.metaKey) {
				return;
			}
			const direction = KEYS[event.key] || KEYS[event.code];
			if (direction) {
				// The arrows would scroll the page.
				event.preventDefault();
				onMove(direction);
			}
		});
	}

	function listenSwipes(board, onMove) {
		let start = null;
		board.addEventListener('pointerdown', (event) => {
			// A second finger is no swipe, nor is a click on the end message's button.
			if (event.isPrimary && !event.target.closest('button')) {
				start = { x: event.clientX, y: event.clientY };
			}
		});
		// On the window, because a swipe may end outside of the board.
		window.addEventListener('pointerup', (event) => {
			if (!start || !event.isPrimary) {
				return;
			}
			const dx = event.clientX - start.x;
			const dy = event.clientY - start.y;
			start = null;
			if (Math.max(Math.abs(dx), Math.abs(dy)) < SWIPE_MIN) {
				return;
			}
			if (Math.abs(dx) > Math.abs(dy)) {
				onMove(dx < 0 ? 'left' : 'right');
			} else {
				onMove(dy < 0 ? 'up' : 'down');
			}
		});
		window.addEventListener('pointercancel', () => {
			start = null;
		});
	}

	return {
		listen(board, onMove) {
			listenKeys(onMove);
			listenSwipes(board, onMove);
		},
	};
})();
